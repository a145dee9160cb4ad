import type { WallMs } from "../base/time.ts";
import type {
  FollowCounts,
  FollowedRegistration,
  FollowOrder,
  FollowUpStore,
  KeptLook,
} from "../forward/follow-up/follow-up.ts";
import type { KeptRemark, RemarkArchive, RemarkFilter, RemarkMark } from "../forward/follow-up/remark-archive.ts";
import type { Remark } from "../forward/queue.ts";
import type { ScanWarnings, WarnedSlice, WarningStore } from "../forward/scan-warnings.ts";
import type { StoreLink } from "./store-link.ts";
import { warnSliceRows } from "./warning-table.ts";

/**
 * The ports of those who look after remarks, before and after they come, over the store's thread. What writes resolves
 * after its commit is durable.
 */
export class RemarkCalls implements FollowUpStore, RemarkArchive, WarningStore {
  readonly #link: StoreLink;

  constructor(link: StoreLink) {
    this.#link = link;
  }

  dueFollowUps(now: WallMs, limit: number, order: FollowOrder): Promise<readonly FollowedRegistration[]> {
    return this.#link.call("followUps", "due", now, limit, order);
  }

  keepLook(look: KeptLook): Promise<readonly Remark[]> {
    return this.#link.call("followUps", "keep", look);
  }

  followCounts(): Promise<FollowCounts> {
    return this.#link.call("followUps", "counts");
  }

  listRemarks(filter: RemarkFilter): Promise<readonly KeptRemark[]> {
    return this.#link.call("remarks", "list", filter);
  }

  showRemark(remarkId: number): Promise<{ readonly remark: KeptRemark; readonly marks: readonly RemarkMark[] } | null> {
    return this.#link.call("remarks", "show", remarkId);
  }

  markRemark(remarkId: number, mark: RemarkMark): Promise<boolean> {
    return this.#link.call("remarks", "mark", remarkId, mark);
  }

  newestScan(): Promise<number> {
    return this.#link.call("warnings", "newestScan");
  }

  warningsAfter(scanId: number, timeZone: string): Promise<WarnedSlice> {
    return this.#link.call("warnings", "after", scanId, timeZone);
  }

  /** Slice by slice, so that a badge never waits long for it. */
  async warningsOf(scanIds: readonly number[], timeZone: string): Promise<readonly ScanWarnings[]> {
    const warned: ScanWarnings[] = [];
    for (let from = 0; from < scanIds.length; from += warnSliceRows) {
      warned.push(...(await this.#link.call("warnings", "of", scanIds.slice(from, from + warnSliceRows), timeZone)));
    }
    return warned;
  }
}
