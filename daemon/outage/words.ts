import type { Cause, Evidence, Exemption } from "./cause.ts";

export { type Language, languages } from "../base/language.ts";

/**
 * What an outage says in one language. The type is the catalogue's contract: a sentence that is missing in one language
 * does not compile.
 */
export type Words = {
  readonly cause: Readonly<Record<Cause, string>>;
  readonly exemption: Readonly<Record<Exemption, string>>;
  /** Why it is exempt or not, in a sentence of the procedure's sense. */
  readonly because: Readonly<Record<Exemption, string>>;
  readonly evidence: Readonly<Record<Evidence, string>>;
  readonly step: {
    readonly supplier: (name: string, phone: string) => string;
    readonly supplierUnknown: string;
    readonly otherChannel: string;
    readonly exempt: string;
    /** While the failure is the site's own and lasts: not a step among others, but what has to be done now. */
    readonly registerElsewhereNow: string;
    readonly nextMoment: string;
    readonly keepVerifiable: string;
  };
  readonly window: {
    readonly title: string;
    /** In place of a list without any. */
    readonly none: string;
    /** Behind as many as are told of, and how to see them. */
    readonly more: (count: number) => string;
    readonly began: string;
    readonly ended: string;
    readonly lasts: string;
    readonly between: (from: string, to: string) => string;
    readonly notLaterThan: (to: string) => string;
    /** Of a moment of which only the box's own clock tells. */
    readonly notProven: (at: string) => string;
    readonly duration: string;
    readonly cause: string;
    readonly exemption: string;
    readonly gaps: (count: number) => string;
    readonly flaps: (count: number) => string;
    readonly steps: string;
    readonly settledBy: string;
    readonly scansOf: string;
    /** `null` when nobody knows any more. */
    readonly scans: (delayed: number | null, withheld: number) => string;
    readonly firstAfter: string;
    readonly notes: string;
  };
};
