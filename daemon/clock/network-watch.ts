import type { Time } from "../base/time.ts";

/** A link that comes up is seen this soon; looking costs some microseconds. */
export const networkLookMs: number = 5_000;

/**
 * Calls `onUp` when an address appears that was not there before.
 *
 * @param addresses `null` where they cannot be listed at the moment: the next look compares with the last that were
 */
export function watchNetwork(addresses: () => ReadonlySet<string> | null, onUp: () => void, time: Time): Disposable {
  let before = addresses();
  return time.every(networkLookMs, () => {
    const now = addresses();
    if (now === null) return;
    const known = before;
    before = now;
    const came = known !== null && [...now].some((address) => !known.has(address));
    if (came) onUp();
  });
}
