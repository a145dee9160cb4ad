import { table } from "../../daemon/commands/terminal.ts";

/** What a series of measurements comes to, in the unit they were taken in. */
export type Summary = { readonly count: number; readonly p50: number; readonly p99: number; readonly max: number };

export function summarise(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((left, right) => left - right);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? Number.NaN };
}

/** One line of the report: a measured figure, what it is held against in the same run, and the goal for it. */
export type Finding = {
  readonly what: string;
  readonly measured: string;
  readonly against: string;
  readonly goal: string;
  /** `null` where a line has no goal of its own. */
  readonly met: boolean | null;
};

export type CaseReport = {
  readonly name: string;
  readonly findings: readonly Finding[];
  /** The raw figures, for machines. */
  readonly figures: Readonly<Record<string, unknown>>;
};

/** The case's lines for a person, and why it has none, or not all of them. */
export function tableOf({ name, findings, figures }: CaseReport): string {
  const rows = findings.map(({ what, measured, against, goal, met }) => [
    what,
    measured,
    against,
    goal,
    met === null ? "" : met ? "met" : "MISSED",
  ]);
  const measured = rows.length === 0 ? [] : [table([name, "measured", "beside", "goal", ""], rows)];
  const skipped = typeof figures["skipped"] === "string" ? [`${name}: skipped, ${figures["skipped"]}`] : [];
  return [...measured, ...skipped].join("\n");
}

export function milliseconds(value: number): string {
  return value >= 100
    ? `${value.toFixed(0)} ms`
    : value >= 1
      ? `${value.toFixed(1)} ms`
      : `${(value * 1000).toFixed(0)} µs`;
}

export function perSecond(count: number, elapsedMs: number): number {
  return (count / elapsedMs) * 1000;
}

export function rate(value: number): string {
  return value >= 10_000 ? `${(value / 1000).toFixed(0)} k/s` : `${value.toFixed(0)}/s`;
}
