import type { BadgeForm } from "./base/badge-form.ts";
import type { Log } from "./base/log.ts";
import type { BadgeReading } from "./scan/draft.ts";
import { storeErrorOf } from "./store/store-error.ts";

/** What `Store` is to badges that were read by another setting. */
type BadgeStore = { rereadBadges(readings: readonly BadgeReading[], form: BadgeForm): Promise<number> };

/**
 * Reads the badges that the roster does not know again, by the readers' settings as they are now: an installer who corrects
 * one loses no scan of the days before. The forwarder finds whom the roster knows by then at its next look.
 *
 * @throws StoreError when the store fails for another reason than a full disk, which the next start makes up for
 */
export async function rereadBadgesAtStart(
  readings: readonly BadgeReading[],
  form: BadgeForm,
  store: BadgeStore,
  log: Log,
): Promise<void> {
  try {
    const count = await store.rereadBadges(readings, form);
    if (count > 0) log.info({ count }, "scans of unknown badges were read again by the settings of their readers");
  } catch (error) {
    const { code, message } = storeErrorOf(error);
    if (code !== "disk-full") throw error;
    log.error(
      { detail: message },
      "scans of unknown badges were not read again, the disk is full: make room, then restart",
    );
  }
}
