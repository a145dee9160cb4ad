import type { Log } from "../base/log.ts";
import type { RecordOutcome, ScanDraft, ScanLedger, WorkSite } from "../scan/scan.ts";
import { isPassing, notRecorded, storeErrorOf } from "../store/store-error.ts";

/** What `Store` is to the places of its readers. */
type PlaceStore = ScanLedger & { internWorkSite(site: WorkSite): Promise<number> };

type PlacedReader = WorkSite & { readonly id: string };

/** Names no place: the store counts from 1, and takes no scan that names a place it does not hold. */
const noPlaceYet = 0;

/**
 * Has the store take each reader's place of work. A failure that passes, such as a full disk or a database that a
 * command holds, never keeps the readers from opening, for it is they who tell the worker that nothing is recorded: a place
 * that was not taken is tried again before each scan at its reader.
 *
 * @returns the id of each reader's place, and the ledger that puts the true one where there was none
 * @throws StoreError when the store fails for another reason
 */
export async function placesAtStart(
  readers: readonly PlacedReader[],
  store: PlaceStore,
  log: Log,
): Promise<{ readonly idOf: (readerId: string) => number; readonly ledger: ScanLedger }> {
  const ids = new Map<string, number>();
  const waiting = new Map<string, WorkSite>();
  for (const { id, place, declarationOfWorks } of readers) {
    const site = { place, declarationOfWorks };
    try {
      ids.set(id, await store.internWorkSite(site));
    } catch (error) {
      const { code, message } = storeErrorOf(error);
      if (!isPassing(error)) throw error;
      waiting.set(id, site);
      const consequence =
        code === "disk-full"
          ? "the disk has no room for the place of a reader, its scans are not recorded: make room"
          : "the store did not take the place of a reader, its scans are not recorded until it does";
      log.error({ reader: id, detail: message }, consequence);
    }
  }
  return {
    idOf: (readerId) => ids.get(readerId) ?? noPlaceYet,
    ledger: waiting.size === 0 ? store : { record: (draft) => recordPlaced(draft, store, { ids, waiting }) },
  };
}

async function recordPlaced(
  draft: ScanDraft,
  store: PlaceStore,
  { ids, waiting }: { readonly ids: Map<string, number>; readonly waiting: Map<string, WorkSite> },
): Promise<RecordOutcome> {
  const site = waiting.get(draft.readerId);
  try {
    if (site !== undefined) ids.set(draft.readerId, await store.internWorkSite(site));
  } catch (error) {
    const { code, message } = storeErrorOf(error);
    return notRecorded(code, message);
  }
  waiting.delete(draft.readerId);
  return store.record({ ...draft, workSiteId: ids.get(draft.readerId) ?? draft.workSiteId });
}
