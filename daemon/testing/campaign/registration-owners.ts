import type { WallMs } from "../../base/time.ts";
import type { ArchivedScan } from "../../scan/archive.ts";
import type { Presentation } from "./verdict.ts";

/**
 * Scans whose registration is another worker's at the service. An answer in another order than was sent, which repeats
 * nothing of it, cannot be told from one in order: its scans get each other's registration, and looks find that out.
 */
export function misnumberedOf(
  scans: readonly ArchivedScan[],
  presentations: readonly Presentation[],
  held: readonly { readonly id: number; readonly ssin: string }[],
): ReadonlySet<number> {
  const ssinOf = new Map(presentations.map(({ badge, ssin }) => [badge, ssin]));
  const holder = new Map(held.map(({ id, ssin }) => [String(id), ssin]));
  const others = scans.filter(
    ({ registrationId, badgeNumber }) =>
      registrationId !== null && holder.get(registrationId) !== ssinOf.get(badgeNumber),
  );
  return new Set(others.map(({ scanId }) => scanId));
}

/** @returns a line for each remark of another's that a look took over, and one when nothing explains such registrations */
export function brokenOwnership(
  misnumbered: ReadonlySet<number>,
  remarks: readonly { readonly scanId: number; readonly firstSeen: WallMs }[],
  { isReordered, quietFrom }: { readonly isReordered: boolean; readonly quietFrom: WallMs },
): readonly string[] {
  const unexplained = misnumbered.size > 0 && !isReordered;
  return [
    ...(unexplained ? [`${misnumbered.size} scans have another's registration`] : []),
    ...remarks
      .filter(({ scanId, firstSeen }) => misnumbered.has(scanId) && firstSeen >= quietFrom)
      .map(({ scanId }) => `scan ${scanId} got another's remark from a look`),
  ];
}
