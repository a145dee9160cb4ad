import { elapsedMs, type MonotonicNs } from "../daemon/base/time.ts";

/**
 * Who is being held to a reader now: badge → when it was last seen. A held badge is sent again every 50 ms or so (RDM6300),
 * and each of these extends its presence; the business rule for double scans is another, longer one.
 */
export type Presence = ReadonlyMap<string, MonotonicNs>;

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
  const still = [...presence].filter(([, seenNs]) => elapsedMs(seenNs, atNs) <= presenceMs);
  const others = still.filter(([each]) => each !== badge);
  const kept = others.slice(Math.max(0, others.length - (presentMax - 1)));
  const isHeldOn = others.some(([each]) => keys.some((key) => each === key + badge));
  return { presence: new Map([...kept, [badge, atNs]]), isRepeat: isHeldOn || others.length < still.length };
}
