import type { Time } from "../base/time.ts";

/** A link that comes up is seen this soon; looking costs some microseconds. */
export const networkLookMs: number = 5_000;

/** Calls `onUp` when an address appears that was not there before. */
export function watchNetwork(addresses: () => ReadonlySet<string>, onUp: () => void, time: Time): Disposable {
  let before = addresses();
  return time.every(networkLookMs, () => {
    const now = addresses();
    const came = [...now].some((address) => !before.has(address));
    before = now;
    if (came) onUp();
  });
}
