import { unreachable } from "../../base/assert.ts";
import type { Random } from "../../base/random.ts";
import type { CallKind } from "./call-kind.ts";
import type { AccessProblem } from "./problem.ts";

/** What an answer can be turned into that no client should believe. */
export type GarbageForm =
  /** A page of something in between, as a captive portal gives; the service never saw the call. */
  | "html"
  /** The right answer, cut in the middle, its length announced as that of the half. */
  | "half-json"
  /** JSON of another shape. */
  | "wrong-shape"
  /** Every item, in reverse order. */
  | "reordered"
  /** All items but the last. */
  | "fewer-items"
  /** The right answer with fields beside those that are known, in every object. */
  | "unknown-fields"
  /** Every registration told of is another one, of another moment and direction, under the id that was asked for. */
  | "another-registration";

/** What can go wrong with one call. */
export type CallFault =
  /** Never answers; the connection stays until the client leaves. */
  | { readonly kind: "time-out"; readonly processed: boolean }
  /** TCP reset once the request is in, nothing processed. */
  | { readonly kind: "reset-before" }
  /** Processes, sends half of the answer, then resets. */
  | { readonly kind: "reset-during-answer" }
  /** Processes, then resets without one byte of answer. */
  | { readonly kind: "reset-after-processing" }
  /** 429; nothing processed. */
  | {
      readonly kind: "throttle";
      readonly problem: "tooManyRequests" | "tooManyFailedRequests";
      readonly retryAfter: { readonly form: "seconds" | "date"; readonly seconds: number } | null;
    }
  /** A problem of the 5xx family, before or after processing. */
  | {
      readonly kind: "server-error";
      readonly status: 500 | 502 | 503 | 504;
      readonly processed: boolean;
      readonly retryAfterSeconds: number | null;
    }
  /** 401 or 403, whatever token came along; nothing processed. */
  | { readonly kind: "unauthorised"; readonly problem: AccessProblem }
  | { readonly kind: "garbage"; readonly form: GarbageForm }
  /** The right answer, a few bytes at a time. */
  | { readonly kind: "slow"; readonly bytesPerChunk: number; readonly everyMs: number }
  /** An answer that begins well, goes on with a byte now and then, and has no end. */
  | { readonly kind: "endless"; readonly everyMs: number }
  /** The right answer with padding up to `bytes`. */
  | { readonly kind: "huge"; readonly bytes: number }
  /** The items of these workers are answered as not created, the others as always. */
  | { readonly kind: "not-created"; readonly ssins: readonly string[] };

/**
 * Stops listening and resets what is open, so that connections are refused; listens again after `forMs`.
 * `null` waits for the next change of fault, which cannot come over HTTP.
 */
export type Refusal = { readonly kind: "refuse"; readonly forMs: number | null };

export type Fault = CallFault | Refusal;

/** Which calls a fault strikes. */
export type Occurrence =
  | { readonly kind: "always" }
  /** The next `calls` calls at which it is aimed, then never again; 1 is a one-shot. */
  | { readonly kind: "next-calls"; readonly calls: number }
  | { readonly kind: "chance"; readonly probability: number };

/** At which calls a fault is aimed; `any` takes all but health, through which clients tell the time. */
export type Aim = CallKind | "any";

/** Several rules make a mixture: the first that strikes a call takes it. Without `at` a rule is aimed at `register`. */
export type FaultRule = { readonly fault: CallFault; readonly occurs: Occurrence; readonly at?: Aim };

/** Whether the items of a call struck by this fault become registrations, provided that the call is valid. */
export function isProcessed(fault: CallFault): boolean {
  switch (fault.kind) {
    case "time-out":
    case "server-error":
      return fault.processed;
    case "reset-before":
    case "throttle":
    case "unauthorised":
      return false;
    case "garbage":
      return fault.form !== "html";
    case "reset-during-answer":
    case "reset-after-processing":
    case "slow":
    case "endless":
    case "huge":
    case "not-created":
      return true;
    default:
      return unreachable(fault);
  }
}

/** Decides what strikes the call of `kind` that comes now, and which rules remain for those after it. */
export function strike(
  rules: readonly FaultRule[],
  kind: CallKind,
  random: Random,
): { readonly fault: CallFault | null; readonly rules: readonly FaultRule[] } {
  const index = rules.findIndex(({ occurs, at = "register" }) => {
    if (at === "any" ? kind === "health" : at !== kind) return false;
    switch (occurs.kind) {
      case "always":
        return true;
      case "next-calls":
        return occurs.calls > 0;
      case "chance":
        return random() < occurs.probability;
      default:
        return unreachable(occurs);
    }
  });
  const struck = rules[index];
  if (struck === undefined) return { fault: null, rules };
  if (struck.occurs.kind !== "next-calls") return { fault: struck.fault, rules };
  const left: FaultRule = { ...struck, occurs: { kind: "next-calls", calls: struck.occurs.calls - 1 } };
  return { fault: struck.fault, rules: struck.occurs.calls > 1 ? rules.with(index, left) : rules.toSpliced(index, 1) };
}
