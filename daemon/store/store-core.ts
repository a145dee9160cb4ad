import type { BadgeForm } from "../base/badge-form.ts";
import type { WallMs } from "../base/time.ts";
import type { HeldScans } from "../forward/held-scans.ts";
import type { AttemptReport, Backlog, ClaimRequest, Settlement } from "../forward/queue.ts";
import type { LimitKnowledge } from "../forward/receipt-window.ts";
import type { WebhookScan, WebhookSkip } from "../forward/webhook/cursor.ts";
import type { ArchivedScan, ReleaseConsent, ReleaseOutcome, ScanFilter, StoreSummary } from "../scan/archive.ts";
import type { BadgeReading } from "../scan/draft.ts";
import type { RosterChange, RosterEntry } from "../scan/roster.ts";
import type { RecordOutcome, ScanDraft, WorkSite } from "../scan/scan.ts";
import { ArchiveTable } from "./archive-table.ts";
import { type PackedStep, packStep, unpackSettlements } from "./call-pack.ts";
import { ClockTable } from "./clock-table.ts";
import type { Packed } from "./column-pack.ts";
import type { Connection, WalFrames } from "./connection.ts";
import { DatingTable } from "./dating-table.ts";
import { EvidenceTable } from "./evidence-table.ts";
import { FollowUpTable } from "./follow-up-table.ts";
import { HeldScansTable } from "./held-scans-table.ts";
import { Scrub, type ScrubStep } from "./integrity.ts";
import { KnowledgeTable } from "./knowledge-table.ts";
import { OutageTable } from "./outage-table.ts";
import { type ClaimStep, QueueTable } from "./queue-table.ts";
import { RemarkTable } from "./remark-table.ts";
import { type ErasedSlice, Retention } from "./retention.ts";
import { RosterLookup } from "./roster-lookup.ts";
import { RosterTable } from "./roster-table.ts";
import { ScanCounts } from "./scan-counts.ts";
import { ScanTable } from "./scan-table.ts";
import type { StoreSettings } from "./store-settings.ts";
import { type RereadSlice, type ResolvedSlice, UnknownBadges } from "./unknown-badges.ts";
import { lengthenWal } from "./wal-room.ts";
import { WarningTable } from "./warning-table.ts";
import { WebhookTable } from "./webhook-table.ts";
import { WindowScansTable } from "./window-scans-table.ts";
import { WorkSites } from "./work-sites.ts";
import { WorkerChain } from "./worker-chain.ts";

/**
 * Everything the store does, synchronously, over one connection. Needs no thread; the worker is a shell around it. What only
 * one room asks for is asked of that room's tables; scans, and what becomes of them, of the core.
 */
export class StoreCore implements Disposable {
  readonly clock: ClockTable;
  readonly dating: DatingTable;
  readonly outages: OutageTable;
  readonly evidence: EvidenceTable;
  readonly windowScans: WindowScansTable;
  readonly followUps: FollowUpTable;
  readonly remarks: RemarkTable;
  readonly warnings: WarningTable;
  readonly #connection: Connection;
  readonly #settings: StoreSettings;
  readonly #counts: ScanCounts;
  readonly #scans: ScanTable;
  readonly #unknown: UnknownBadges;
  readonly #roster: RosterTable;
  readonly #queue: QueueTable;
  readonly #held: HeldScansTable;
  readonly #archive: ArchiveTable;
  readonly #webhooks: WebhookTable;
  readonly #sites: WorkSites;
  readonly #retention: Retention;
  readonly #scrub: Scrub;
  readonly #knowledge: KnowledgeTable;

  /** @param connection to a database of the present schema; disposed with the core */
  constructor(connection: Connection, settings: StoreSettings) {
    this.#connection = connection;
    this.#settings = settings;
    const lookup = new RosterLookup(connection);
    const chain = new WorkerChain(connection);
    this.#counts = new ScanCounts(connection);
    this.#unknown = new UnknownBadges(connection, lookup, chain, settings.doubleScanMs);
    const recording = { lookup, chain, unknown: this.#unknown, counts: this.#counts };
    this.#scans = new ScanTable(connection, recording, settings);
    this.#roster = new RosterTable(connection);
    this.#sites = new WorkSites(connection);
    this.warnings = new WarningTable(connection, this.#sites);
    this.#queue = new QueueTable(connection, this.#counts, this.#sites);
    this.#held = new HeldScansTable(connection);
    this.#archive = new ArchiveTable(connection, {
      chain,
      counts: this.#counts,
      sites: this.#sites,
      roster: this.#roster,
    });
    this.#webhooks = new WebhookTable(connection);
    this.remarks = new RemarkTable(connection);
    this.followUps = new FollowUpTable(connection, this.#sites);
    this.#retention = new Retention(connection, this.#webhooks, this.remarks, settings.keepSettledMs);
    this.#scrub = new Scrub(connection);
    this.clock = new ClockTable(connection);
    this.dating = new DatingTable(connection, {
      history: this.clock,
      chain,
      unknown: this.#unknown,
      doubleScanMs: settings.doubleScanMs,
    });
    this.#knowledge = new KnowledgeTable(connection);
    this.outages = new OutageTable(connection, settings.keepSettledMs);
    this.evidence = new EvidenceTable(connection);
    this.windowScans = new WindowScansTable(connection);
  }

  record(drafts: readonly ScanDraft[]): readonly RecordOutcome[] {
    return this.#scans.record(drafts);
  }

  internWorkSite(site: WorkSite): number {
    return this.#sites.intern(site);
  }

  /** After a replacement: the places that readers go on using by their ids. */
  restoreWorkSites(places: ReadonlyMap<number, WorkSite>): void {
    this.#sites.restore(places);
  }

  planRoster(entries: readonly RosterEntry[]): RosterChange {
    return this.#roster.plan(entries);
  }

  replaceRoster(entries: readonly RosterEntry[], fingerprint: string, now: WallMs): RosterChange {
    return this.#roster.replace(entries, fingerprint, now);
  }

  rosterFingerprint(): string | null {
    return this.#roster.fingerprint();
  }

  claim(request: ClaimRequest): ClaimStep {
    return this.#queue.claim(request);
  }

  /**
   * @param claimedFrom the store that handed the claim out. Another one has lost scans since: what its own number for the
   *   call or the scan names may be another one, and the call's scans are in doubt by then
   */
  settle(
    attemptId: number,
    report: AttemptReport,
    settlements: readonly Settlement[],
    claimedFrom: string = this.storeId(),
  ): "settled" | "lost" {
    if (claimedFrom !== this.storeId()) return "lost";
    this.#queue.settle(attemptId, report, settlements);
    return "settled";
  }

  /** As `claim`, for another thread; so are the two that follow. */
  claimPacked(request: ClaimRequest): PackedStep {
    return packStep(this.claim(request));
  }

  settlePacked(attemptId: number, report: AttemptReport, settlements: Packed, claimedFrom: string): "settled" | "lost" {
    return this.settle(attemptId, report, unpackSettlements(settlements), claimedFrom);
  }

  settleAndClaimPacked(
    attemptId: number,
    report: AttemptReport,
    settlements: Packed,
    request: ClaimRequest,
    claimedFrom: string = this.storeId(),
  ): PackedStep & { readonly settled: "settled" | "lost" } {
    if (claimedFrom !== this.storeId()) return { ...this.claimPacked(request), settled: "lost" };
    const step = this.#queue.settleAndClaim(attemptId, report, unpackSettlements(settlements), request);
    return { ...packStep(step), settled: "settled" };
  }

  recoverInterrupted(now: WallMs): number {
    return this.#queue.recoverInterrupted(now);
  }

  resolveUnknown(limit: number): ResolvedSlice {
    return this.#unknown.resolveSlice(limit);
  }

  rereadSlice(readings: readonly BadgeReading[], form: BadgeForm, afterId: number): RereadSlice {
    return this.#unknown.rereadSlice(readings, form, afterId);
  }

  backlog(): Backlog {
    return this.#queue.backlog();
  }

  list(filter: ScanFilter): readonly ArchivedScan[] {
    return this.#archive.list(filter);
  }

  show(scanId: number): ReturnType<ArchiveTable["show"]> {
    return this.#archive.show(scanId);
  }

  release(scanId: number, now: WallMs, consent: Partial<ReleaseConsent> = {}): ReleaseOutcome {
    return this.#archive.release(scanId, now, { bracket: false, samePerson: false, ...consent });
  }

  summary(): StoreSummary {
    return this.#archive.summary(this.#settings.maxScans);
  }

  heldScans(failing: readonly number[]): HeldScans {
    return this.#held.held(failing);
  }

  storeId(): string {
    return this.#archive.storeId();
  }

  rows(): number {
    return this.#counts.rows();
  }

  webhookScans(target: string, limit: number): readonly WebhookScan[] {
    return this.#webhooks.next(target, limit);
  }

  advanceWebhook(
    target: string,
    scanId: number,
    skipped: { readonly scanId: number; readonly reason: string } | null,
    readFrom: string = this.storeId(),
  ): void {
    if (readFrom === this.storeId()) this.#webhooks.advance(target, scanId, skipped);
  }

  webhookSkips(scanId: number): readonly WebhookSkip[] {
    return this.#webhooks.skips(scanId);
  }

  retainWebhooks(targets: readonly string[]): void {
    this.#webhooks.retain(targets);
  }

  receiptKnowledge(): LimitKnowledge | null {
    return this.#knowledge.load();
  }

  keepReceiptKnowledge(knowledge: LimitKnowledge): void {
    this.#knowledge.keep(knowledge);
  }

  eraseSlice(now: WallMs): ErasedSlice {
    return this.#retention.eraseSlice(now);
  }

  scrubSlice(): ScrubStep {
    return this.#scrub.slice();
  }

  isInPlace(): boolean {
    return this.#connection.isInPlace();
  }

  copyInto(file: string): void {
    this.#connection.copyInto(file);
  }

  walFrames(): WalFrames {
    return this.#connection.walFrames();
  }

  /**
   * Empties the write-ahead log into the database, then starts the log anew with a commit of its own: that one pays the
   * second sync which SQLite takes for a log's first frame, and no badge does.
   */
  checkpoint(): void {
    this.#connection.checkpoint();
    const wal = this.#connection.walFrames();
    if (wal.frames > 0 && wal.checkpointed === wal.frames) this.#beginLog();
  }

  /** Makes room in the write-ahead log ahead of the commits that need it; whether there is enough now. */
  lengthenLog(): boolean {
    if (this.#connection.walFrames().frames === 0) this.#beginLog();
    return this.#connection.alone(() => lengthenWal(`${this.#connection.file}-wal`)) ?? false;
  }

  /**
   * Leaves nothing in the write-ahead log of what was erased: its frames hold pages as they were before, for as long as
   * the log does not grow over them again, which may be months. Whether that is done.
   */
  forgetErased(): boolean {
    if (!this.#connection.cutLog()) return false;
    this.#beginLog();
    return true;
  }

  #beginLog(): void {
    this.#connection.transact(() => this.#connection.db.exec("UPDATE store SET checkpoints = checkpoints + 1"));
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}
