import type { RemarkNumber } from "./numbers.ts";

/** What a box can know of a remark before the service raises it. */
export type WarningKind =
  | "ssin-invalid"
  | "enterprise-number-invalid"
  | "outside-roster-dates"
  | "coordinates-swapped"
  | "outside-belgium"
  | "address-incomplete"
  | "two-ins"
  | "two-outs"
  | "out-without-in";

/** The remark that a warning is about. */
export const remarkOf: Readonly<Record<WarningKind, RemarkNumber>> = {
  "ssin-invalid": 15,
  "enterprise-number-invalid": 4,
  "outside-roster-dates": 2,
  "coordinates-swapped": 36,
  "outside-belgium": 36,
  "address-incomplete": 37,
  "two-ins": 21,
  "two-outs": 22,
  "out-without-in": 24,
};
