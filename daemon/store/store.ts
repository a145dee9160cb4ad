import type { BadgeForm } from "../base/badge-form.ts";
import type { Log } from "../base/log.ts";
import type { Time, WallMs } from "../base/time.ts";
import type { HeldScanCounts, HeldScans } from "../forward/held-scans.ts";
import type {
  AttemptReport,
  Backlog,
  Claim,
  ClaimRequest,
  ForwardQueue,
  Settlement,
  Written,
} from "../forward/queue.ts";
import type { LimitKnowledge, ReceiptMemory } from "../forward/receipt-window.ts";
import type {
  ArchivedScan,
  ReleaseConsent,
  ReleaseOutcome,
  ScanArchive,
  ScanFilter,
  ShownScan,
  StoreSummary,
} from "../scan/archive.ts";
import type { BadgeReading } from "../scan/draft.ts";
import type { RosterChange, RosterEntry, RosterStore } from "../scan/roster.ts";
import type { RecordOutcome, ScanDraft, ScanLedger, WorkSite } from "../scan/scan.ts";
import { type PackedStep, packSettlements, unpackClaim } from "./call-pack.ts";
import { ClockCalls } from "./clock-calls.ts";
import { EvidenceCalls } from "./evidence-calls.ts";
import type { FillLevel } from "./fill-level.ts";
import { Housekeeping } from "./housekeeping.ts";
import { OutageCalls } from "./outage-calls.ts";
import { RemarkCalls } from "./remark-calls.ts";
import type { Gauges } from "./store-keeper.ts";
import { StoreLink } from "./store-link.ts";
import type { StoreSettings } from "./store-settings.ts";
import type { StoreThread } from "./store-thread.ts";
import type { RereadSlice } from "./unknown-badges.ts";
import { WebhookCalls } from "./webhook-calls.ts";

export type { StoreSettings } from "./store-settings.ts";

/** What `maintain` erased. */
export type Erased = {
  readonly scans: number;
  readonly rosterEntries: number;
  readonly workers: number;
  readonly attempts: number;
  /** Refused and kept-back scans that lost their worker; they stay. */
  readonly parted: number;
};

export type StorePorts = {
  readonly time: Time;
  readonly log: Log;
  /** The database was opened again while badged runs: a damaged one was replaced, and what stood in it may be lost. */
  readonly onReopened?: () => void;
  /** Something goes on that keeps every call waiting, such as the salvage of a damaged database; told again and again. */
  readonly onProgress?: () => void;
  /** One that was started before there was a store to open. */
  readonly thread?: StoreThread | undefined;
};

const perhapsAnothers =
  "scans stay unknown whose badges another worker held before: write in valid_from since when their holders have them";

const outcomeLost = "the database was replaced during a call, its outcome is not kept and its scans are in doubt";

/**
 * Everything badged keeps, over SQLite in a worker thread.
 *
 * A promise of a method that writes resolves after its commit is durable. `record` never rejects; every other method
 * rejects with a `StoreError` whose code says what can be done, or with a `BadgedError` for a person.
 */
export class Store
  implements ScanLedger, RosterStore, ScanArchive, ForwardQueue, ReceiptMemory, AsyncDisposable, HeldScanCounts
{
  /** The evidence room's log, which the rest of the store knows nothing of. */
  readonly evidence: EvidenceCalls;
  /** What the clock is known to have done, and the scans that are dated by it afterwards. */
  readonly clock: ClockCalls;
  readonly outages: OutageCalls;
  readonly remarks: RemarkCalls;
  readonly webhooks: WebhookCalls;
  readonly #link: StoreLink;
  readonly #housekeeping: Housekeeping;
  readonly #time: Time;
  readonly #log: Log;
  readonly #gauges: { latest: Gauges | null };
  /** The store's id when each call that is under way was claimed. */
  readonly #claimedFrom: Map<number, string> = new Map();

  /** @throws BadgedError `store-missing`, `store-newer`, `store-undecided`, `no-permission` or `store-unusable` */
  static async open(settings: StoreSettings, ports: StorePorts): Promise<Store> {
    const gauges: { latest: Gauges | null } = { latest: null };
    const log = ports.log.child({ room: "store" });
    let housekeeping: Housekeeping | null = null;
    const answered = (latest: Gauges): void => {
      const before = gauges.latest;
      gauges.latest = latest;
      housekeeping?.answered(latest);
      if (before !== null && before.opening !== latest.opening) ports.onReopened?.();
    };
    const link = await StoreLink.open(
      settings,
      log,
      { answered, progressed: () => ports.onProgress?.() },
      ports.thread,
    );
    housekeeping = new Housekeeping(
      settings,
      { time: ports.time, log },
      {
        checkpoint: () => link.call("core", "checkpoint"),
        lengthenLog: () => link.call("core", "lengthenLog"),
        forgetErased: () => link.call("core", "forgetErased"),
        scrubSlice: async () => {
          const step = await link.call("core", "scrubSlice");
          if (step === "recounted") log.error({}, "the counts of scans were wrong, and are right again");
          return step !== "more";
        },
      },
    );
    if (gauges.latest !== null) housekeeping.answered(gauges.latest);
    if (settings.mode === "daemon") {
      housekeeping.lengthenLog();
      housekeeping.scrub();
    }
    return new Store(link, housekeeping, { time: ports.time, log }, gauges);
  }

  private constructor(
    link: StoreLink,
    housekeeping: Housekeeping,
    ports: { readonly time: Time; readonly log: Log },
    gauges: { latest: Gauges | null },
  ) {
    this.evidence = new EvidenceCalls(link);
    this.clock = new ClockCalls(link, ports);
    this.outages = new OutageCalls(link);
    this.remarks = new RemarkCalls(link);
    this.webhooks = new WebhookCalls(link, () => this.storeId);
    this.#link = link;
    this.#housekeeping = housekeeping;
    this.#time = ports.time;
    this.#log = ports.log;
    this.#gauges = gauges;
  }

  /** With a scan's id it names the scan uniquely; another one only after scans or calls were lost with a damaged database. */
  get storeId(): string {
    return this.#gauges.latest?.storeId ?? "";
  }

  get fill(): FillLevel {
    return this.#housekeeping.fill;
  }

  async record(draft: ScanDraft): Promise<RecordOutcome> {
    const outcome = await this.#link.record(draft);
    this.#housekeeping.recorded(outcome);
    return outcome;
  }

  /** The id under which scans name this place of work; the same content has the same id for ever. */
  internWorkSite(site: WorkSite): Promise<number> {
    return this.#link.call("core", "internWorkSite", site);
  }

  planRoster(entries: readonly RosterEntry[]): Promise<RosterChange> {
    return this.#link.call("core", "planRoster", entries);
  }

  replaceRoster(entries: readonly RosterEntry[], fingerprint: string): Promise<RosterChange> {
    return this.#link.call("core", "replaceRoster", entries, fingerprint, this.#time.wallMs());
  }

  rosterFingerprint(): Promise<string | null> {
    return this.#link.call("core", "rosterFingerprint");
  }

  async claim(request: ClaimRequest): Promise<Claim | null> {
    for (;;) {
      const step = await this.#link.call("core", "claimPacked", request);
      const claim = this.#claimOf(step);
      if (claim !== null || !step.again) return claim;
    }
  }

  #claimOf({ claim, withheld }: PackedStep): Claim | null {
    if (withheld > 0) this.#log.warn({ scans: withheld }, "scans past the receipt limit were withheld");
    if (claim === null) return null;
    this.#claimedFrom.set(claim.attemptId, this.storeId);
    return unpackClaim(claim);
  }

  async settleAndClaim({ attemptId, report, settlements }: Written, request: ClaimRequest): Promise<Claim | null> {
    const packed = packSettlements(settlements);
    const parameters = [attemptId, report, packed, request, this.#storeOf(attemptId)] as const;
    const step = await this.#link.call("core", "settleAndClaimPacked", ...parameters);
    this.#ended(attemptId, step.settled, settlements.length);
    return this.#claimOf(step);
  }

  async settle(attemptId: number, report: AttemptReport, settlements: readonly Settlement[]): Promise<void> {
    const parameters = [attemptId, report, packSettlements(settlements), this.#storeOf(attemptId)] as const;
    this.#ended(attemptId, await this.#link.call("core", "settlePacked", ...parameters), settlements.length);
  }

  #storeOf(attemptId: number): string {
    return this.#claimedFrom.get(attemptId) ?? this.storeId;
  }

  #ended(attemptId: number, settled: "settled" | "lost", scans: number): void {
    this.#claimedFrom.delete(attemptId);
    if (settled === "lost") this.#log.error({ scans }, outcomeLost);
  }

  recoverInterrupted(now: WallMs): Promise<number> {
    return this.#link.call("core", "recoverInterrupted", now);
  }

  async resolveUnknown(limit: number): Promise<number> {
    let resolved = 0;
    for (;;) {
      const slice = await this.#link.call("core", "resolveUnknown", limit - resolved);
      resolved += slice.resolved;
      if (slice.anothers > 0) this.#log.warn({ scans: slice.anothers }, perhapsAnothers);
      if (!slice.more || resolved >= limit) return resolved;
    }
  }

  /** Slice by slice, so that a badge never waits long for it. */
  async rereadBadges(readings: readonly BadgeReading[], form: BadgeForm): Promise<number> {
    let reread = 0;
    for (let afterId: number | null = 0; afterId !== null; ) {
      const slice: RereadSlice = await this.#link.call("core", "rereadSlice", readings, form, afterId);
      reread += slice.reread;
      afterId = slice.afterId;
    }
    return reread;
  }

  backlog(): Promise<Backlog> {
    return this.#link.call("core", "backlog");
  }

  list(filter: ScanFilter): Promise<readonly ArchivedScan[]> {
    return this.#link.call("core", "list", filter);
  }

  show(scanId: number): Promise<ShownScan | null> {
    return this.#link.call("core", "show", scanId);
  }

  release(scanId: number, now: WallMs, consent: ReleaseConsent): Promise<ReleaseOutcome> {
    return this.#link.call("core", "release", scanId, now, consent);
  }

  summary(): Promise<StoreSummary> {
    return this.#link.call("core", "summary");
  }

  heldScans(failing: readonly number[]): Promise<HeldScans> {
    return this.#link.call("core", "heldScans", failing);
  }

  receiptKnowledge(): Promise<LimitKnowledge | null> {
    return this.#link.call("core", "receiptKnowledge");
  }

  keepReceiptKnowledge(knowledge: LimitKnowledge): Promise<void> {
    return this.#link.call("core", "keepReceiptKnowledge", knowledge);
  }

  /** Erases what is no longer needed, slice by slice, so that a badge never waits long for it. */
  async maintain(now: WallMs): Promise<Erased> {
    let erased: Erased = { scans: 0, rosterEntries: 0, workers: 0, attempts: 0, parted: 0 };
    for (;;) {
      const slice = await this.#link.call("core", "eraseSlice", now);
      erased = {
        scans: erased.scans + slice.scans,
        rosterEntries: erased.rosterEntries + slice.rosterEntries,
        workers: erased.workers + slice.workers,
        attempts: erased.attempts + slice.attempts,
        parted: erased.parted + slice.parted,
      };
      if (!slice.more) break;
    }
    const total = erased.scans + erased.rosterEntries + erased.workers + erased.attempts;
    if (total > 0) this.#log.info(erased, "what is no longer needed was erased");
    // These hold who somebody is; what else was erased says that no more.
    if (erased.workers + erased.rosterEntries > 0) this.#housekeeping.forgetErased();
    if (erased.parted > 0) {
      this.#log.warn({ count: erased.parted }, "scans that nobody released lost their worker, who left the roster");
    }
    return erased;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#housekeeping[Symbol.dispose]();
    await this.#link.close();
  }
}
