import * as v from "valibot";
import { callKinds } from "./call-kind.ts";
import type { FaultRule, Occurrence, Refusal } from "./fault.ts";
import { plainIssue } from "./plain-issue.ts";
import { accessProblems } from "./problem.ts";

/** Longest refusal that may be ordered over HTTP: during it nobody can reach the control endpoint. */
export const refusalMaxMs: number = 60 * 60 * 1000;

/** Longest padding of an answer. */
export const hugeBytesMax: number = 100 * 1024 * 1024;

const rulesMax = 100;
const count = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000));
const seconds = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(86_400));

const callFault = v.variant("kind", [
  v.strictObject({ kind: v.literal("time-out"), processed: v.boolean() }),
  v.strictObject({ kind: v.literal("reset-before") }),
  v.strictObject({ kind: v.literal("reset-during-answer") }),
  v.strictObject({ kind: v.literal("reset-after-processing") }),
  v.strictObject({
    kind: v.literal("throttle"),
    problem: v.optional(v.picklist(["tooManyRequests", "tooManyFailedRequests"]), "tooManyRequests"),
    retryAfter: v.nullable(v.strictObject({ form: v.picklist(["seconds", "date"]), seconds })),
  }),
  v.strictObject({
    kind: v.literal("server-error"),
    status: v.picklist([500, 502, 503, 504]),
    processed: v.optional(v.boolean(), false),
    retryAfterSeconds: v.optional(v.nullable(seconds), null),
  }),
  v.strictObject({
    kind: v.literal("garbage"),
    form: v.picklist([
      "html",
      "half-json",
      "wrong-shape",
      "reordered",
      "fewer-items",
      "unknown-fields",
      "another-registration",
    ]),
  }),
  v.strictObject({
    kind: v.literal("unauthorised"),
    problem: v.optional(v.picklist(accessProblems), "expiredAccessToken"),
  }),
  v.strictObject({ kind: v.literal("endless"), everyMs: count }),
  v.strictObject({ kind: v.literal("slow"), bytesPerChunk: count, everyMs: count }),
  v.strictObject({
    kind: v.literal("huge"),
    bytes: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(hugeBytesMax)),
  }),
  v.strictObject({
    kind: v.literal("not-created"),
    ssins: v.pipe(v.array(v.pipe(v.string(), v.regex(/^\d{11}$/, "expected eleven digits"))), v.maxLength(1000)),
  }),
]);

const occurrence = v.variant("kind", [
  v.strictObject({ kind: v.literal("always") }),
  v.strictObject({ kind: v.literal("next-calls"), calls: count }),
  v.strictObject({ kind: v.literal("chance"), probability: v.pipe(v.number(), v.minValue(0), v.maxValue(1)) }),
]);

const always: Occurrence = { kind: "always" };
const aim = v.exactOptional(v.picklist([...callKinds, "any"]));
const rule = v.strictObject({ fault: callFault, occurs: v.optional(occurrence, always), at: aim });

const refusal = v.strictObject({
  kind: v.literal("refuse"),
  forMs: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(refusalMaxMs)),
});

const refusalOrder = v.strictObject({ fault: refusal });
const rulesOrder = v.strictObject({ rules: v.pipe(v.array(rule), v.maxLength(rulesMax)) });

/** What the simulator is to do from now on. */
export type FaultOrder =
  | { readonly kind: "rules"; readonly rules: readonly FaultRule[] }
  | { readonly kind: "refuse"; readonly fault: Refusal };

/**
 * Reads the body of `POST /simulator/fault`: `{"fault": …}`, `{"fault": …, "occurs": …, "at": …}` or
 * `{"rules": [ … ]}`.
 * Returns what is wrong with it as one sentence.
 */
export function readFaultOrder(body: string): FaultOrder | string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return "the body is not JSON";
  }
  // Chosen by what the order seems to be, so that the sentence is about that and not about every other form.
  if (v.is(v.object({ rules: v.unknown() }), parsed)) {
    const checked = v.safeParse(rulesOrder, parsed);
    return checked.success ? { kind: "rules", rules: checked.output.rules } : sentenceOf(checked.issues);
  }
  if (v.is(v.object({ fault: v.object({ kind: v.literal("refuse") }) }), parsed)) {
    const checked = v.safeParse(refusalOrder, parsed);
    return checked.success ? { kind: "refuse", fault: checked.output.fault } : sentenceOf(checked.issues);
  }
  const checked = v.safeParse(rule, parsed);
  if (checked.success) return { kind: "rules", rules: [checked.output] };
  const sentence = sentenceOf(checked.issues);
  // It is no rule, and so not among those that the schema names.
  return sentence.startsWith("fault.kind: ") ? `${sentence}; or "refuse", with forMs and nothing beside it` : sentence;
}

function sentenceOf([issue]: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): string {
  return `${v.getDotPath(issue) ?? "body"}: ${plainIssue(issue)}`;
}
