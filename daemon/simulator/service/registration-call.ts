import * as v from "valibot";
import { parseUtcText, utcSecondsText } from "../../base/system-time.ts";
import type { WallMs } from "../../base/time.ts";
import { plainIssue } from "./plain-issue.ts";
import type { InputIssue } from "./problem.ts";
import type { EmployerReference, PlaceReference, RegistrationItem } from "./registration.ts";

/** The most items the service takes in one call; confirmed for SOAP, inferred for REST. */
export const itemsPerCallMax = 200;

/** Two hundred items with the longest address stay under 200 kB. */
export const bodyBytesMax: number = 1024 * 1024;

/** So that a call full of mistakes is not answered with megabytes. */
export const issuesMax = 100;

/** Longest value repeated in an issue. */
const valueCharactersMax = 100;

export type CheckedCall =
  | { readonly kind: "valid"; readonly items: readonly RegistrationItem[] }
  | { readonly kind: "invalid"; readonly issues: readonly InputIssue[] };

const text = (max: number) => v.pipe(v.string(), v.regex(/\S/, "expected a text that is not blank"), v.maxLength(max));

const date = v.pipe(
  v.string(),
  v.check((value) => readMoment(value) !== null, "expected a UTC date and time in whole seconds, 2026-01-31T07:02:11Z"),
);

const employer = v.pipe(
  v.strictObject({
    enterpriseNumber: v.optional(v.pipe(v.string(), v.regex(/^[01]\d{9}$/, "expected ten digits, the first 0 or 1"))),
    foreignVatNumber: v.optional(v.pipe(v.string(), v.minLength(4), v.maxLength(15))),
  }),
  v.check((value) => Object.keys(value).length === 1, "expected one of enterpriseNumber and foreignVatNumber"),
);

const placeOfWork = v.pipe(
  v.strictObject({
    coordinates: v.optional(
      v.strictObject({
        longitude: v.pipe(v.number(), v.minValue(-180), v.maxValue(180)),
        latitude: v.pipe(v.number(), v.minValue(-90), v.maxValue(90)),
      }),
    ),
    address: v.optional(
      v.strictObject({
        postCode: text(10),
        municipalityName: v.optional(text(100)),
        streetName: v.optional(text(100)),
        houseNumber: v.optional(text(20)),
        boxNumber: v.optional(text(20)),
      }),
    ),
  }),
  v.check((value) => Object.keys(value).length === 1, "expected one of coordinates and address"),
);

const call = v.strictObject({
  items: v.pipe(
    v.array(
      v.strictObject({
        registrationDate: date,
        ssin: v.pipe(v.string(), v.regex(/^\d{11}$/, "expected eleven digits")),
        type: v.picklist(["IN", "OUT"], "expected IN or OUT"),
        employer,
        placeOfWork,
        contractualRelationshipReference: v.optional(
          v.pipe(v.string(), v.regex(/^[A-HJ-NP-Z0-9]{13}$/, "expected 13 capitals and digits, neither I nor O")),
        ),
      }),
    ),
    v.minLength(1, "expected at least one item"),
    v.maxLength(itemsPerCallMax, `expected at most ${itemsPerCallMax} items`),
  ),
});

/**
 * Checks the body of `registerInBulk`, every mistake in one pass. One malformed item makes the whole call invalid;
 * an SSIN with wrong check digits is well-formed, and becomes remark 15.
 */
export function checkCall(body: string): CheckedCall {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return { kind: "invalid", issues: [schemaViolation("", "the body is not JSON")] };
  }
  const checked = v.safeParse(call, parsed);
  if (!checked.success) return { kind: "invalid", issues: checked.issues.slice(0, issuesMax).map(issueOf) };
  return { kind: "valid", items: checked.output.items.map(itemOf) };
}

function itemOf(item: v.InferOutput<typeof call>["items"][number]): RegistrationItem {
  const registrationMs = readMoment(item.registrationDate);
  if (registrationMs === null) throw new TypeError("a registration date passed its check and cannot be read");
  return {
    registrationMs,
    ssin: item.ssin,
    type: item.type,
    // Exactly one key is there: checked above, in a way the compiler cannot follow.
    employer: item.employer as EmployerReference,
    placeOfWork: item.placeOfWork as PlaceReference,
    contractualRelationshipReference: item.contractualRelationshipReference ?? null,
  };
}

/** Written back and compared, since a date such as 30 February is otherwise read as one in March. */
export function readMoment(value: string): WallMs | null {
  const moment = parseUtcText(value);
  return moment !== null && utcSecondsText(moment) === value ? moment : null;
}

function issueOf(issue: v.BaseIssue<unknown>): InputIssue {
  const name = (issue.path ?? []).reduce((path, step) => joined(path, step.key), "");
  if (issue.type === "strict_object" && issue.expected === "never") {
    return { type: "urn:problem-type:belgif:input-validation:unknownInput", in: "body", name, detail: "unknown field" };
  }
  return schemaViolation(name, plainIssue(issue), issue.input);
}

function schemaViolation(name: string, detail: string, value?: unknown): InputIssue {
  const issue = { type: "urn:problem-type:belgif:input-validation:schemaViolation", in: "body", name, detail } as const;
  if (typeof value === "string") return { ...issue, value: value.slice(0, valueCharactersMax) };
  return typeof value === "number" || typeof value === "boolean" ? { ...issue, value } : issue;
}

function joined(path: string, key: unknown): string {
  if (typeof key === "number") return `${path}[${key}]`;
  return path === "" ? String(key) : `${path}.${String(key)}`;
}
