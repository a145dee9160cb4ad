import type { WebhookScan } from "./cursor.ts";
import { type DeliveryOutcome, deliveryMaxScans } from "./delivery.ts";

/**
 * The scan at a webhook's cursor, while the receiver answers each delivery of it with an error of its own (5xx). That may be
 * an outage, or the scan: only what the receiver makes of another scan tells them apart.
 *
 * - `itself`: it is delivered, alone where another was taken before.
 * - `another`: it failed alone so often that one behind it is delivered first. The cursor does not move for that, so the
 *   other is delivered again in its turn.
 *
 * Where the receiver takes the other one it gets this one right behind it, for one that is only just coming back takes some
 * and breaks on others. A receiver that is not well again may do so by chance, and at once comes too soon for one that counts
 * deliveries: each further round asks for one more break on this one, a rest before it, and after the last it is skipped.
 *
 * A delivery that the receiver takes or refuses ends all this, but for that of another one; any that does not reach it does,
 * and any error with which it names a time to come again: that is the moment's.
 */
export type HaltingScan = {
  readonly scanId: number;
  /** Errors in a row of deliveries that began with it; of it alone, once it goes alone. */
  readonly times: number;
  /** Rounds in a row in which the receiver took another and broke on this one. */
  readonly rounds: number;
  /** Errors of it in this round, since another was taken; `null` as long as none was. */
  readonly broken: number | null;
  /** Others that told nothing, for they were refused, or the receiver broke on them as well: the one behind them is next. */
  readonly toldNothing: number;
  readonly next: "itself" | "another";
};

/** After so many errors a delivery of several goes one by one: those before the one that halts them are delivered then. */
export const haltingManyMax: number = 8;

/** After so many errors of one scan alone, half an hour of them, another is tried. */
export const haltingAloneMax: number = 20;

/** After so many rounds it is skipped. */
export const haltingRoundsMax: number = 4;

/** Scans that the next delivery is chosen from, where these rules choose it; else `null`. */
export function haltingLimit(halting: HaltingScan | null): number | null {
  if (halting?.next === "another") return deliveryMaxScans;
  return halting !== null && halting.broken !== null ? 1 : null;
}

/** What is delivered of the scans that were read: another one, where there is one. */
export function chosen(halting: HaltingScan | null, scans: readonly WebhookScan[]): readonly WebhookScan[] {
  if (halting?.next !== "another") return scans;
  const [first, ...others] = scans;
  const other = others[halting.toldNothing % Math.max(1, others.length)];
  return first?.scanId === halting.scanId && other !== undefined ? [other] : scans.slice(0, 1);
}

/** `null` where what was delivered is not another one. */
export function besideAnother(halting: HaltingScan | null, [first]: readonly WebhookScan[]): HaltingScan | null {
  return halting?.next === "another" && first?.scanId !== halting.scanId ? halting : null;
}

/** What became of another one. A refusal does not tell that the receiver is well: it may look at a scan before it needs what is down. */
export function afterAnother(halting: HaltingScan, outcome: Exclude<DeliveryOutcome["kind"], "failed">): HaltingScan {
  if (outcome === "accepted") return { ...halting, broken: 0, next: "itself" };
  return { ...halting, toldNothing: halting.toldNothing + 1, next: "itself" };
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
  if (beside !== null) {
    const toldNothing = beside.toldNothing + 1;
    return { halting: { ...beside, rounds: 0, broken: null, toldNothing, next: "itself" }, next: "wait" };
  }
  const scanId = scans[0]?.scanId ?? 0;
  const known = halting?.scanId === scanId ? halting : { ...unknown, scanId };
  const times = known.times + 1;
  if (scans.length > 1) {
    if (times >= haltingManyMax) return { halting: null, next: "narrow" };
    return { halting: { ...known, times }, next: "wait" };
  }
  if (known.broken !== null && known.broken < known.rounds) {
    return { halting: { ...known, times, broken: known.broken + 1 }, next: "wait" };
  }
  const rounds = known.broken === null ? known.rounds : known.rounds + 1;
  if (rounds >= haltingRoundsMax) return { halting: null, next: "skip" };
  const next = times >= haltingAloneMax ? "another" : "itself";
  return { halting: { ...known, times, rounds, broken: null, next }, next: "wait" };
}

const unknown: Omit<HaltingScan, "scanId"> = { times: 0, rounds: 0, broken: null, toldNothing: 0, next: "itself" };
