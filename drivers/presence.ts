import { elapsedMs, type MonotonicNs } from "../daemon/base/time.ts";

/** When a badge was last seen, and how long it counts as held from then on. */
type Sighting = { readonly seenNs: MonotonicNs; readonly heldMs: number };

/**
 * Who is being held to a reader now: badge → its last sighting. A held badge is sent again every 50 ms or so (RDM6300),
 * and each of these extends its presence; the business rule for double scans is another, longer one.
 */
export type Presence = ReadonlyMap<string, Sighting>;

export const nobodyPresent: Presence = new Map();

/** A reader that sees more badges at once forgets the one it has not seen for longest. */
export const presentMax: number = 64;

/**
 * `isRepeat` when `badge` was seen at most `presenceMs` before; that sighting counts as a new one in either case. A badge that
 * is held goes on without the key that was pressed before it. Never the other way round: who presses a key means it.
 *
 * @param keys what a worker may press, in front of the badge that he then holds
 */
export function present(
  presence: Presence,
  badge: string,
  atNs: MonotonicNs,
  presenceMs: number,
  keys: readonly string[] = [],
): { readonly presence: Presence; readonly isRepeat: boolean } {
  const still = [...presence].filter(([, { seenNs, heldMs }]) => elapsedMs(seenNs, atNs) <= heldMs);
  const others = still.filter(([each]) => each !== badge);
  const kept = others.slice(Math.max(0, others.length - (presentMax - 1)));
  const earlier = still.filter(([each]) => each === badge || keys.some((key) => each === key + badge));
  const heldMs = Math.min(presenceMs, ...earlier.map(([, sighting]) => sighting.heldMs));
  return { presence: new Map([...kept, [badge, { seenNs: atNs, heldMs }]]), isRepeat: earlier.length > 0 };
}

/** Whoever is there now counts as held for at most `heldMaxMs`, until he has left and comes again. */
export function shortened(presence: Presence, heldMaxMs: number): Presence {
  return new Map(
    [...presence].map(([badge, { seenNs, heldMs }]) => [badge, { seenNs, heldMs: Math.min(heldMs, heldMaxMs) }]),
  );
}
