import type { RemarkNumber, WhoActs } from "./numbers.ts";
import type { WarningKind } from "./warning-kinds.ts";

/**
 * What badged says about remarks in one language. The type is the catalogue's contract: a text that is missing in one
 * language does not compile. `plain` is badged's own wording; the published text stands beside it, always in Dutch.
 */
export type RemarkWords = {
  readonly plain: Readonly<Record<RemarkNumber, string>>;
  /** For a remark that the document does not list and the service gives without words. */
  readonly unlisted: string;
  readonly who: Readonly<Record<WhoActs, string>>;
  readonly warning: Readonly<Record<WarningKind, string>>;
  readonly label: {
    /** Heading of the number by which `badged remarks` knows it. */
    readonly number: string;
    readonly remark: string;
    readonly scan: string;
    readonly worker: string;
    readonly registered: string;
    readonly seen: string;
    readonly text: string;
    readonly cause: string;
    readonly action: string;
    readonly meaning: string;
    readonly who: string;
    readonly deadline: string;
    readonly left: string;
    readonly state: string;
    readonly note: string;
    readonly service: string;
    /** The office's name, behind what is its own text. */
    readonly office: string;
  };
  readonly daysLeft: (days: number) => string;
  readonly lastDay: string;
  readonly overdue: (days: number) => string;
  readonly webForm: (deadline: string) => string;
  readonly state: { readonly open: string; readonly done: string; readonly gone: string };
  readonly none: string;
  readonly summary: {
    readonly title: string;
    readonly due: (count: number) => string;
    readonly fresh: (count: number) => string;
    readonly warnings: (count: number) => string;
  };
};
