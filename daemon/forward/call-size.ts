import { afterBreaking, afterPassing, type BreakingScans } from "./breaking-scans.ts";
import type { ClaimOrder, QueueEnd } from "./queue.ts";

/** (C for SOAP, I for REST) The most registrations one call may carry. */
export const callMaxScans: number = 200;

/** A scan that alone failed this often in a row lets others try: it may be what breaks the service. */
export const probeFailuresMax: number = 3;

/** After this many calls as large as a 413 left them, a larger one is tried: should it be refused too, that is one in twenty. */
export const ceilingCallsMin: number = 20;

/**
 * Probes are taken this far apart round the queue: multiples of the golden ratio leave no large part of it untried, whichever
 * parts are refused.
 */
const probeStride = (Math.sqrt(5) - 1) / 2;

/**
 * After this many different scans failed alone, the service is down and no scan is to blame: no further one is drawn in. They
 * are tried in turn, for the service may break on one of them and be back for the others. Where they are held for a search,
 * that comes first: one that it does not find goes next, and where it fails they go unsearched.
 */
export const probesPutOffMax: number = 5;

/**
 * One probe in so many, one in an hour and a half, is of another scan: the service may break on as many as were drawn in, and
 * take all others. No rarer as the outage lasts, for those that come in the morning must not wait for what broke at night.
 */
export const probesPerOther: number = 36;

/** The same where the service answers searches: it is there, and each doubt that a probe leaves is looked into before long. */
export const probesPerOtherFoundOut: number = 4;

/**
 * How many scans the next call may carry, from what became of the calls before it.
 *
 * - `full`: `limit` scans, 200 unless the service broke on as many.
 * - `probing`: after a failure. One scan, so that an outage leaves no more than a handful in doubt.
 * - `resuming`: the probe went through, a full call is yet to. When it fails, the service may break on its size or on one
 *   of its scans: `limit` is halved, and doubled again by each full call that goes through.
 *
 *     full ──failed──▶ probing ──answered──▶ resuming ──answered──▶ full
 *                         ▲─────────failed──────┘
 *
 * Across them:
 * - `suspects` are the scans of a refused call that named none. One of them is the culprit, so calls carry half of them
 *   until it stands alone; the number of refused calls is logarithmic in the size of the first. What a service refuses
 *   often lies together in the queue (too old, or of a clock that is ahead): halves are taken from one `end`, and from the
 *   other once a whole search from it has let none pass.
 * - Where so many calls were refused in a row that the next ones are backed off, none is sought any more, for there may be
 *   hundreds: a scan is, that the service takes, one from here and one from there. Where it names none, calls then grow from
 *   one scan, so that those it refuses are found out by a call or two each.
 * - `breaking` are scans on which the service was found to break, and which go alone: breaking-scans.ts.
 * - `ceiling` is what a 413 taught. It is doubled again once enough calls as large as that went through, for it may have
 *   been something in between that would not pass them on, for an hour.
 */
export type CallSize = {
  readonly mode: "full" | "probing" | "resuming";
  readonly limit: number;
  readonly ceiling: number;
  /** Calls as large as the ceiling that went through since it last changed. */
  readonly callsAtCeiling: number;
  readonly suspects: ReadonlySet<number>;
  readonly end: QueueEnd;
  /** Whether a call went through since suspects were last drawn up anew. */
  readonly isFruitful: boolean;
  /** The scan that failed alone, and how often in a row. */
  readonly probe: { readonly scanId: number; readonly failures: number } | null;
  /** Scans put off for failing alone since the service last answered, or held for a search, the last ones of them. */
  readonly putOff: readonly number[];
  /** How often one failed alone since then. */
  readonly failedAlone: number;
  /** Scans refused alone, for what may be said of every call, since the service last answered; the last ones of them. */
  readonly refusedAlone: readonly number[];
  /** Whether the service answers searches, as far as the last one told. */
  readonly isSearched: boolean;
  readonly breaking: BreakingScans;
};

export const fullSize: CallSize = {
  mode: "full",
  limit: callMaxScans,
  ceiling: callMaxScans,
  callsAtCeiling: 0,
  suspects: new Set(),
  end: "latest",
  isFruitful: true,
  probe: null,
  putOff: [],
  failedAlone: 0,
  refusedAlone: [],
  isSearched: false,
  breaking: new Map(),
};

/** 1 to `callMaxScans`. */
export function scansOfNextCall(size: CallSize): number {
  if (size.mode === "probing") return 1;
  const half = size.suspects.size === 0 ? callMaxScans : Math.ceil(size.suspects.size / 2);
  return Math.max(1, Math.min(size.limit, size.ceiling, half));
}

/**
 * Which scans the next call carries: the most urgent, as long as none is known to halt the others. Otherwise every scan gets
 * its turn before one is tried again, however many of them are refused.
 *
 * @param refusedCalls since the last that was answered
 */
export function orderOfNextCall(size: CallSize, refusedCalls: number): ClaimOrder {
  const { mode, suspects, probe, putOff, failedAlone, breaking, end } = size;
  // An outage comes first: which of them is refused is sought once the service answers again.
  if (suspects.size > 0 && !drawsNoFurther(size)) return { kind: "sounding", among: [...suspects], end };
  if (mode !== "probing") return { kind: "urgent" };
  // The one that failed alone fails again, or goes through: an outage draws in no other meanwhile.
  if (probe !== null) return { kind: "sounding", among: [probe.scanId], end };
  if (refusedCalls === 0 && putOff.length === 0) {
    // After one on which the service is known to break it is not the next one of these that tells how the service is.
    return breaking.size === 0 ? { kind: "urgent" } : { kind: "probing", among: [], place: 0 };
  }
  const among = putOff.length < probesPutOffMax ? [] : putOff;
  return { kind: "probing", among, place: ((refusedCalls + failedAlone) * probeStride) % 1 };
}

/** Which one is tried in the turn of others: any but those that are `apart` in it. */
export function orderOfOthers({ failedAlone }: CallSize): ClaimOrder {
  return { kind: "untried", place: (failedAlone * probeStride) % 1 };
}

/** Scans that go in no company, and after others where one is sought that goes through. */
export function scansApart({ breaking, putOff }: CallSize, isTurn: boolean): readonly number[] {
  return isTurn ? [...breaking.keys(), ...putOff] : [...breaking.keys()];
}

/** The last calls went through, and none is sought that did not. */
export function isAtFullSpeed({ mode, suspects }: CallSize): boolean {
  return mode === "full" && suspects.size === 0;
}

/** The service dealt with the scans, whatever it said of each. */
export function afterAnswer(size: CallSize, scanIds: readonly number[]): CallSize {
  const suspects = lessSuspects(size.suspects, scanIds);
  const recovered: CallSize = {
    ...withCeilingTried(size, scanIds.length),
    probe: null,
    putOff: [],
    failedAlone: 0,
    refusedAlone: [],
    isSearched: false,
    breaking: afterPassing(size.breaking, accused(size), scanIds),
    isFruitful: true,
    suspects,
  };
  if (size.mode === "probing") return { ...recovered, mode: "resuming" };
  const isFull = scanIds.length >= Math.min(size.limit, size.ceiling);
  return { ...recovered, mode: "full", limit: isFull ? Math.min(callMaxScans, size.limit * 2) : size.limit };
}

/** Who failed alone since the service last answered, whether put off for it or held for a search. */
function accused({ putOff, probe, refusedAlone }: CallSize): readonly number[] {
  return [...putOff, ...(probe === null ? [] : [probe.scanId]), ...refusedAlone];
}

/** A call of several scans was refused and named none. */
export function afterBlindRefusal(size: CallSize, scanIds: readonly number[]): CallSize {
  const isBegun = size.suspects.size > 0;
  const sought = { ...size, suspects: new Set(scanIds) };
  if (isBegun) return sought;
  return { ...(size.isFruitful ? sought : fromOtherEnd(sought)), isFruitful: false };
}

/** Calls were refused for so long that none of the scans is to be sought any more: one is that the service takes. */
export function afterManyRefusals(size: CallSize): CallSize {
  // A service that names what it refuses tells the more of larger calls.
  const limit = size.suspects.size > 0 ? 1 : size.limit;
  return { ...size, mode: "probing", limit, suspects: new Set() };
}

/** One scan was found out, or put off: it is no suspect any more. */
export function withoutSuspect(size: CallSize, scanId: number): CallSize {
  return { ...size, suspects: lessSuspects(size.suspects, [scanId]) };
}

/** One that is put off for failing alone is sought no more: it would be tried before all others for as long as it does. */
function unsuspected(size: CallSize, scanId: number): CallSize {
  return size.suspects.has(scanId) ? withoutSuspect(size, scanId) : size;
}

export function afterTooLarge(size: CallSize, scans: number): CallSize {
  return { ...size, ceiling: Math.max(1, Math.floor(scans / 2)), callsAtCeiling: 0 };
}

/**
 * The call failed and says nothing of any scan.
 *
 * @param mayBreak whether one of the scans may be the cause, as it may of a 500 and cannot be of a refused connection
 * @returns `putOffs`: how many times as long as usual the scan that failed alone is to let others try; 0 when it is not
 */
export function afterFailure(
  size: CallSize,
  scanIds: readonly number[],
  mayBreak: boolean,
): { readonly size: CallSize; readonly putOffs: number } {
  const isShrunk = mayBreak && size.mode === "resuming" && scanIds.length > 1;
  const limit = isShrunk ? Math.floor(scanIds.length / 2) : size.limit;
  const failed: CallSize = { ...size, mode: "probing", limit };
  const [scanId, ...others] = scanIds;
  if (!mayBreak || scanId === undefined || others.length > 0) return { size: failed, putOffs: 0 };
  if (size.breaking.has(scanId)) {
    const { breaking, putOffs } = afterBreaking(size.breaking, scanId);
    return { size: unsuspected({ ...failed, breaking, failedAlone: size.failedAlone + 1 }, scanId), putOffs };
  }
  const { probe } = size;
  const isAnother = probe !== null && probe.scanId !== scanId;
  // The one before was not handed out again, as one that is held for a search.
  const drawn = isAnother ? withLast(size.putOff, probe.scanId) : size.putOff;
  const alone: CallSize = { ...failed, failedAlone: size.failedAlone + 1, putOff: drawn };
  if (drawsNoFurther(alone)) {
    return { size: { ...alone, probe: null, putOff: withLast(drawn, scanId) }, putOffs: 0 };
  }
  const failures = isAnother || probe === null ? 1 : probe.failures + 1;
  if (failures < probeFailuresMax) return { size: { ...alone, probe: { scanId, failures } }, putOffs: 0 };
  return { size: unsuspected({ ...alone, probe: null, putOff: withLast(drawn, scanId) }, scanId), putOffs: 1 };
}

/**
 * The call was refused, for one of its scans or for what every call says.
 *
 * @returns `putOffs` as of a failure; such a scan is in no doubt, so any number of others may be tried, unless calls fail in
 * between: a service that refuses one call and breaks on the next would draw in another scan each time
 */
export function afterRefusedCall(
  size: CallSize,
  scanIds: readonly number[],
): { readonly size: CallSize; readonly putOffs: number } {
  const [scanId, ...others] = scanIds;
  if (scanId === undefined || others.length > 0) return afterFailure(size, scanIds, true);
  const probing: CallSize = { ...size, mode: "probing", probe: null };
  if (size.breaking.has(scanId)) {
    const { breaking, putOffs } = afterBreaking(size.breaking, scanId);
    return { size: unsuspected({ ...probing, breaking }, scanId), putOffs };
  }
  const putOff = size.probe === null ? size.putOff : withLast(size.putOff, size.probe.scanId);
  const alone: CallSize = { ...probing, putOff, refusedAlone: withLast(size.refusedAlone, scanId) };
  if (drawsNoFurther(alone)) return { size: { ...alone, failedAlone: alone.failedAlone + 1 }, putOffs: 0 };
  return { size: unsuspected(alone, scanId), putOffs: 1 };
}

/**
 * A search ended. One that was not found may go again without doubt, so it does before anybody else is drawn in; where one
 * was found, each that is drawn in is registered.
 *
 * @param told `null` when the search failed
 */
export function afterLookedInto(size: CallSize, scanId: number, told: "found" | "not-found" | null): CallSize {
  const searched = { ...size, isSearched: told !== null };
  if (told === null || !drawsNoFurther(size)) return searched;
  return { ...searched, putOff: told === "found" ? [] : withLast(size.putOff, scanId) };
}

/** So many failed alone that the service is searched first, where that can be, before another is drawn in. */
export function drawsNoFurther({ mode, putOff }: CallSize): boolean {
  return mode === "probing" && putOff.length >= probesPutOffMax;
}

/** Whether the next probe is of another scan than those that were drawn in. */
export function isTurnOfOthers(size: CallSize): boolean {
  const probes = size.isSearched ? probesPerOtherFoundOut : probesPerOther;
  return drawsNoFurther(size) && size.failedAlone > 0 && size.failedAlone % probes === 0;
}

/** A call of so many scans went through. */
function withCeilingTried(size: CallSize, scans: number): CallSize {
  if (size.ceiling >= callMaxScans || scans < size.ceiling) return size;
  const callsAtCeiling = size.callsAtCeiling + 1;
  if (callsAtCeiling < ceilingCallsMin) return { ...size, callsAtCeiling };
  return { ...size, ceiling: Math.min(callMaxScans, size.ceiling * 2), callsAtCeiling: 0 };
}

/** Different ones: who came earlier may have been settled, or may no longer be sent. */
function withLast(putOff: readonly number[], scanId: number): readonly number[] {
  return putOff.includes(scanId) ? putOff : [...putOff, scanId].slice(-probesPutOffMax);
}

function fromOtherEnd(size: CallSize): CallSize {
  return { ...size, end: size.end === "latest" ? "earliest" : "latest" };
}

/** Suspects none of which was in a call have left the head of the queue (withheld, put off): nothing is left to seek. */
function lessSuspects(suspects: ReadonlySet<number>, scanIds: readonly number[]): ReadonlySet<number> {
  const left = new Set(suspects);
  let found = false;
  for (const scanId of scanIds) found = left.delete(scanId) || found;
  return found ? left : new Set();
}
