import type { Log } from "../base/log.ts";
import { isPassing, storeErrorOf } from "../store/store-error.ts";

/**
 * Tells the store which webhooks are configured. A failure that passes, such as a full disk or a database that a
 * command holds, never keeps the readers from opening: a new webhook gets its cursor at its first delivery as well, and one
 * that was taken out holds back its scans until the next start.
 *
 * @throws StoreError when the store fails for another reason
 */
export async function webhooksAtStart(
  targets: readonly string[],
  cursors: { retain(targets: readonly string[]): Promise<void> },
  log: Log,
): Promise<void> {
  try {
    await cursors.retain(targets);
  } catch (error) {
    const { code, message } = storeErrorOf(error);
    if (!isPassing(error)) throw error;
    const why = code === "disk-full" ? "the disk is full: make room, then restart" : "the store failed: restart later";
    const consequence = `a change of the webhooks was not kept, ${why}`;
    log.error({ targets: targets.length, detail: message }, consequence);
  }
}
