import * as v from "valibot";
import { plainIssue } from "./plain-issue.ts";

/** A year either way: long enough for every night and every limit. */
export const clockOffsetMaxMs: number = 366 * 24 * 60 * 60 * 1000;

const offset = v.pipe(v.number(), v.integer(), v.minValue(-clockOffsetMaxMs), v.maxValue(clockOffsetMaxMs));
const duration = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(clockOffsetMaxMs));
const clockOrder = v.strictObject({ offsetMs: offset });
const troubleOrder = v.strictObject({ code: v.picklist([33, 34, 35]), forMs: duration });

export type ControlOrder =
  | { readonly kind: "clock"; readonly offsetMs: number }
  | { readonly kind: "trouble"; readonly code: 33 | 34 | 35; readonly forMs: number };

/** These return what is wrong with a body as one sentence. */
export function readClockOrder(body: string): ControlOrder | string {
  const read = readOrder(clockOrder, body);
  return typeof read === "string" ? read : { kind: "clock", ...read };
}

export function readTroubleOrder(body: string): ControlOrder | string {
  const read = readOrder(troubleOrder, body);
  return typeof read === "string" ? read : { kind: "trouble", ...read };
}

function readOrder<S extends v.GenericSchema>(schema: S, body: string): v.InferOutput<S> | string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return "the body is not JSON";
  }
  const checked = v.safeParse(schema, parsed);
  if (checked.success) return checked.output;
  const [issue] = checked.issues;
  return `${v.getDotPath(issue) ?? "body"}: ${plainIssue(issue)}`;
}
