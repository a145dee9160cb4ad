import type { StoreErrorCode } from "./store-error.ts";

/** What a person can do about a failure of the store; `null` where nobody but badged itself is at fault. */
export const storeAdvice: Readonly<Record<StoreErrorCode, string | null>> = {
  "disk-full": "make room on the disk of the store, then try again; what was recorded before is safe",
  busy: "try again in a moment: another process, the daemon above all, was writing to the store",
  corrupt:
    "start the daemon, or restart it where it runs: it sets the damaged file aside and carries over all that can be read",
  "input-output":
    "see that the disk of the store is mounted, writable and sound (dmesg tells of errors), then try again",
  closed: null,
  defect: null,
};
