import type { ArchivedScan } from "../../scan/archive.ts";

/** What the worker at the gate saw for one badge that he presented once or more often. */
export type Presentation = {
  readonly badge: string;
  readonly ssin: string;
  /** Whether the reader ever showed `accepted` or `already-recorded`. */
  readonly accepted: boolean;
  /** Between these two of the truth's milliseconds each of its reads was made. */
  readonly between: { readonly fromMs: number; readonly toMs: number };
};

/** What the service holds, as it knows it itself. */
export type HeldRegistration = {
  readonly ssin: string;
  readonly registrationMs: number;
  readonly type: "IN" | "OUT";
};

export type Verdict = {
  readonly presented: number;
  readonly accepted: number;
  readonly registered: number;
  readonly possibleDuplicates: number;
  readonly duplicatesExplained: number;
  /** Scans that got their time afterwards, and those whose boot never knew it. */
  readonly retroactive: number;
  readonly brackets: number;
  /** Half-widths of all stamps but brackets, the largest and the middle one. */
  readonly errorBoundMaxMs: number;
  readonly errorBoundMedianMs: number;
  /** Each line is a broken promise. */
  readonly broken: readonly string[];
};

/**
 * Holds the promises against what happened: nothing accepted is lost, nothing is registered twice unmarked, nothing is
 * registered that nobody presented, no stamp was altered on its way, and every stamp's interval holds the truth.
 */
export function judge(
  presentations: readonly Presentation[],
  scans: readonly ArchivedScan[],
  held: readonly HeldRegistration[],
): Verdict {
  const broken: string[] = [];
  const heldOf = Map.groupBy(held, (registration) => registration.ssin);
  const scansOf = Map.groupBy(scans.filter(isToBeRegistered), (scan) => scan.badgeNumber);
  let duplicatesExplained = 0;
  const ofBadge = Map.groupBy(scans, (scan) => scan.badgeNumber);
  for (const { badge, ssin, accepted, between } of presentations) {
    for (const scan of ofBadge.get(badge) ?? []) {
      if (!holds(scan, between)) broken.push(`outside its bound: scan ${scan.scanId}, ${scan.stamp.how}`);
    }
    const kept = scansOf.get(badge) ?? [];
    const registrations = heldOf.get(ssin) ?? [];
    if (accepted && kept.length === 0) broken.push(`lost: ${badge} was accepted and is not in the store`);
    if (accepted && registrations.length === 0) broken.push(`lost: ${badge} was accepted and is not registered`);
    if (kept.length > 1) broken.push(`stored twice: ${badge} has ${kept.length} scans that are no doubles`);
    for (const scan of kept) {
      if (scan.state !== "registered") broken.push(`unsettled: scan ${scan.scanId} ended as ${scan.state}`);
      const same = registrations.filter((registration) => isOf(registration, scan));
      if (same.length !== registrations.length)
        broken.push(`altered: scan ${scan.scanId} is registered with another time or direction`);
      if (same.length > 1 && scan.doubt === null) broken.push(`registered twice, unmarked: scan ${scan.scanId}`);
      if (same.length > 1 && scan.doubt !== null) duplicatesExplained += 1;
    }
    if (kept.length === 0 && registrations.length > 0) broken.push(`invented: ${badge} is registered without a scan`);
  }
  const known = new Set(presentations.map((presentation) => presentation.ssin));
  for (const { ssin } of held)
    if (!known.has(ssin)) broken.push("invented: a registration of somebody who never badged");
  return {
    presented: presentations.length,
    accepted: presentations.filter((presentation) => presentation.accepted).length,
    registered: held.length,
    possibleDuplicates: scans.filter((scan) => scan.doubt !== null).length,
    duplicatesExplained,
    ...boundsOf(scans),
    broken,
  };
}

/** The truth lay between two moments: a stamp that misses both of them, and all between, is wrong. */
function holds({ stamp }: ArchivedScan, { fromMs, toMs }: Presentation["between"]): boolean {
  return (
    stamp.earliestMs !== null && stamp.latestMs !== null && stamp.earliestMs <= toMs + 1 && stamp.latestMs >= fromMs
  );
}

function boundsOf(
  scans: readonly ArchivedScan[],
): Pick<Verdict, "retroactive" | "brackets" | "errorBoundMaxMs" | "errorBoundMedianMs"> {
  const count = (how: ArchivedScan["stamp"]["how"]): number => scans.filter(({ stamp }) => stamp.how === how).length;
  const bounds = scans
    .flatMap(({ stamp }) => (stamp.how === "bracket" || stamp.errorBoundMs === null ? [] : [stamp.errorBoundMs]))
    .sort((one, other) => one - other);
  return {
    retroactive: count("retroactive"),
    brackets: count("bracket"),
    errorBoundMaxMs: bounds.at(-1) ?? 0,
    errorBoundMedianMs: bounds[Math.floor(bounds.length / 2)] ?? 0,
  };
}

/** Of two scans of one act, one is a double, or kept back because its time is not known and the other's is. */
function isToBeRegistered({ state, stamp }: ArchivedScan): boolean {
  return state !== "double" && !(state === "withheld" && stamp.how === "bracket");
}

/** The service is told whole seconds, cut. */
function isOf(registration: HeldRegistration, scan: ArchivedScan): boolean {
  const sentMs = Math.floor(scan.stamp.utcMs / 1000) * 1000;
  return registration.registrationMs === sentMs && registration.type.toLowerCase() === scan.direction;
}
