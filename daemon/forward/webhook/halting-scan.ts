import type { WebhookScan } from "./cursor.ts";

/**
 * The scan at a webhook's cursor, while the receiver answers each delivery of it with an error of its own (5xx). That may be
 * an outage, or the scan: only what the receiver makes of another scan tells them apart.
 *
 * - `itself`: it is delivered as ever.
 * - `another`: it failed alone so often that the one behind it is delivered first. The cursor does not move for that, so the
 *   other is delivered again in its turn.
 * - `at-once`: the receiver took that one, and gets this one right behind it. Where it broke on this one so in several
 *   rounds, minutes apart, it is skipped: a receiver that is only just coming back takes some and breaks on others.
 *
 * A delivery that the receiver takes or refuses ends all this, but for that of another one; any that does not reach it does.
 */
export type HaltingScan = {
  readonly scanId: number;
  /** Errors in a row of deliveries that began with it; of it alone, once it goes alone. */
  readonly times: number;
  /** Rounds in a row in which the receiver took another and broke on this one. */
  readonly rounds: number;
  readonly next: "itself" | "another" | "at-once";
};

/** After so many errors a delivery of several goes one by one: those before the one that halts them are delivered then. */
export const haltingManyMax: number = 8;

/** After so many errors of one scan alone, half an hour of them, another is tried. */
export const haltingAloneMax: number = 20;

/** After so many rounds it is skipped. */
export const haltingRoundsMax: number = 3;

/** Scans that the next delivery is chosen from, where these rules choose it; else `null`. */
export function haltingLimit(halting: HaltingScan | null): number | null {
  if (halting === null || halting.next === "itself") return null;
  return halting.next === "another" ? 2 : 1;
}

/** What is delivered of the scans that were read: the other one, where there is one. */
export function chosen(halting: HaltingScan | null, scans: readonly WebhookScan[]): readonly WebhookScan[] {
  if (halting?.next !== "another") return scans;
  const [first, second] = scans;
  return first?.scanId === halting.scanId && second !== undefined ? [second] : scans.slice(0, 1);
}

/** `null` where what was delivered is not the other one. */
export function besideAnother(halting: HaltingScan | null, [first]: readonly WebhookScan[]): HaltingScan | null {
  return halting?.next === "another" && first?.scanId !== halting.scanId ? halting : null;
}

/**
 * The receiver answered a delivery with an error of its own.
 *
 * @returns `narrow`: deliveries of one scan follow; `skip`: the only scan of this one is to be passed over
 */
export function afterServerError(
  halting: HaltingScan | null,
  scans: readonly WebhookScan[],
): { readonly halting: HaltingScan | null; readonly next: "wait" | "narrow" | "skip" } {
  const beside = besideAnother(halting, scans);
  if (beside !== null) return { halting: { ...beside, rounds: 0, next: "itself" }, next: "wait" };
  const scanId = scans[0]?.scanId ?? 0;
  const known = halting?.scanId === scanId ? halting : { scanId, times: 0, rounds: 0, next: "itself" as const };
  const times = known.times + 1;
  if (scans.length > 1) {
    if (times >= haltingManyMax) return { halting: null, next: "narrow" };
    return { halting: { ...known, times }, next: "wait" };
  }
  const rounds = known.next === "at-once" ? known.rounds + 1 : known.rounds;
  if (rounds >= haltingRoundsMax) return { halting: null, next: "skip" };
  return { halting: { scanId, times, rounds, next: times >= haltingAloneMax ? "another" : "itself" }, next: "wait" };
}
