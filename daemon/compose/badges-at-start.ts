import type { BadgeForm } from "../base/badge-form.ts";
import type { Log } from "../base/log.ts";
import type { BadgeReading } from "../scan/draft.ts";
import { isPassing, storeErrorOf } from "../store/store-error.ts";

/** What `Store` is to badges that were read by another setting. */
type BadgeStore = { rereadBadges(readings: readonly BadgeReading[], form: BadgeForm): Promise<number> };

/**
 * Reads the badges that were not understood again, by the readers' settings as they are now: an installer who corrects one
 * loses none of the scans that it could not read. The forwarder finds whom the roster knows by then at its next look.
 *
 * @throws StoreError when the store fails for a reason that does not pass; for one that does, the next start makes up
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
    if (!isPassing(error)) throw error;
    const { message } = storeErrorOf(error);
    log.warn({ detail: message }, "scans of unknown badges were not read again, the next start does");
  }
}
