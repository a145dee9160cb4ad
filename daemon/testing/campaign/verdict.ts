import type { ArchivedScan } from "../../scan/archive.ts";

/** What the worker at the gate saw for one badge that he presented once or more often. */
export type Presentation = {
  readonly badge: string;
  readonly ssin: string;
  /** Whether the reader ever showed `accepted` or `already-recorded`. */
  readonly accepted: boolean;
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
  /** Each line is a broken promise. */
  readonly broken: readonly string[];
};

/**
 * Holds the promises against what happened: nothing accepted is lost, nothing is registered twice unmarked, nothing is
 * registered that nobody presented, and no stamp was altered on its way.
 */
export function judge(
  presentations: readonly Presentation[],
  scans: readonly ArchivedScan[],
  held: readonly HeldRegistration[],
): Verdict {
  const broken: string[] = [];
  const heldOf = Map.groupBy(held, (registration) => registration.ssin);
  const scansOf = Map.groupBy(
    scans.filter((scan) => scan.state !== "double"),
    (scan) => scan.badgeNumber,
  );
  let duplicatesExplained = 0;
  for (const { badge, ssin, accepted } of presentations) {
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
    broken,
  };
}

/** The service is told whole seconds, cut. */
function isOf(registration: HeldRegistration, scan: ArchivedScan): boolean {
  const sentMs = Math.floor(scan.stamp.utcMs / 1000) * 1000;
  return registration.registrationMs === sentMs && registration.type.toLowerCase() === scan.direction;
}
