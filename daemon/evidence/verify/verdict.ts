import type { Failure } from "./failure.ts";

export type Finding = "verified" | "not verified" | "could not check";

/** One of the four answers, and why in words. */
export type Verdict = {
  readonly finding: Finding;
  readonly failures: readonly Failure[];
  /** What was found, and what remains open, in sentences. */
  readonly because: readonly string[];
  /** Whether something that was asked for could not be looked at. */
  readonly isAskedFor: boolean;
};

export function notVerified(failures: readonly Failure[]): Verdict {
  return { finding: "not verified", failures, because: [], isAskedFor: true };
}

export function verified(...because: readonly string[]): Verdict {
  return { finding: "verified", failures: [], because, isAskedFor: true };
}

/** Nobody asked, or the bundle has nothing to check: the verdict says that it is not proven. */
export function notAsked(...because: readonly string[]): Verdict {
  return { finding: "could not check", failures: [], because, isAskedFor: false };
}

/** It was asked for, and something that is needed is missing. */
export function couldNotCheck(...because: readonly string[]): Verdict {
  return { finding: "could not check", failures: [], because, isAskedFor: true };
}

/** What a window claims and what is proven of it. */
export type WindowReport = {
  readonly id: string;
  readonly causes: readonly string[];
  /** As the log last said it. */
  readonly exemption: string;
  readonly claimed: Bounds;
  readonly proven: Bounds;
  readonly notProven: readonly string[];
};

/** UTC ms; `null` where nothing bounds it, and `end` is `null` while the window lasts. */
export type Bounds = {
  readonly start: readonly [number | null, number | null];
  readonly end: readonly [number | null, number | null] | null;
};

export type BundleReport = {
  readonly origin: string | null;
  readonly records: number;
  readonly integrity: Verdict;
  readonly time: Verdict;
  readonly uniqueness: Verdict;
  readonly cause: Verdict;
  readonly windows: readonly WindowReport[];
};

/** 0 verified, 1 not verified, 2 something that was asked for could not be checked. */
export function statusOf({ integrity, time, uniqueness, cause }: BundleReport): 0 | 1 | 2 {
  const all = [integrity, time, uniqueness, cause];
  if (all.some(({ finding }) => finding === "not verified")) return 1;
  return all.some(({ finding, isAskedFor }) => finding === "could not check" && isAskedFor) ? 2 : 0;
}
