import type { BadgeForm } from "../base/badge-form.ts";
import type { MonotonicNs, WallMs } from "../base/time.ts";
import type { Anchor } from "../clock/anchor.ts";
import type { DatingRequest } from "../clock/dating.ts";
import type { DisciplineChange } from "../clock/discipline.ts";
import type { ServiceTime } from "../clock/service-clock.ts";
import type { TimeBreak } from "../clock/stamping.ts";
import type { ClockEvent } from "../clock/step-watch.ts";
import type { BootSeen, Synchronisation } from "../clock/synchronisation.ts";
import type { UtcNs } from "../clock/utc.ts";
import type {
  ErasableSample,
  EvidenceBatch,
  KeptAnchor,
  KeptCheckpoint,
  KeptRecord,
  LogEnd,
  UnrecordedEntry,
  WindowScans,
} from "../evidence/evidence-store.ts";
import type { RecordKind } from "../evidence/record.ts";
import type { FollowCounts, FollowedRegistration, FollowOrder, KeptLook } from "../forward/follow-up/follow-up.ts";
import type { KeptRemark, RemarkFilter, RemarkMark } from "../forward/follow-up/remark-archive.ts";
import type { HeldScans } from "../forward/held-scans.ts";
import type { AttemptReport, Backlog, ClaimRequest, Remark, Settlement } from "../forward/queue.ts";
import type { LimitKnowledge } from "../forward/receipt-window.ts";
import type { ScanWarnings, WarnedSlice } from "../forward/scan-warnings.ts";
import type { WebhookScan, WebhookSkip } from "../forward/webhook/cursor.ts";
import type { Heartbeat, KeptWindow, ListedWindow, OutageEntry, WindowFilter } from "../outage/outage-store.ts";
import type { OutageWindow } from "../outage/windows.ts";
import type { ArchivedScan, ReleaseConsent, ReleaseOutcome, ScanFilter, StoreSummary } from "../scan/archive.ts";
import type { BadgeReading } from "../scan/draft.ts";
import type { RosterChange, RosterEntry } from "../scan/roster.ts";
import type { RecordOutcome, ScanDraft, WorkSite } from "../scan/scan.ts";
import { ArchiveTable } from "./archive-table.ts";
import { type PackedStep, packStep, unpackSettlements } from "./call-pack.ts";
import { ClockTable } from "./clock-table.ts";
import type { Packed } from "./column-pack.ts";
import type { Connection, WalFrames } from "./connection.ts";
import { isMarkedAsCopy, unmarkAsCopy } from "./copy-mark.ts";
import { type DatedSlice, DatingTable } from "./dating-table.ts";
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
import { UsedEpoch } from "./used-epoch.ts";
import { lengthenWal } from "./wal-room.ts";
import { WarningTable } from "./warning-table.ts";
import { WebhookTable } from "./webhook-table.ts";
import { WorkSites } from "./work-sites.ts";
import { WorkerChain } from "./worker-chain.ts";

/** Everything the store does, synchronously, over one connection. Needs no thread; the worker is a shell around it. */
export class StoreCore implements Disposable {
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
  readonly #clock: ClockTable;
  readonly #dating: DatingTable;
  readonly #knowledge: KnowledgeTable;
  readonly #outages: OutageTable;
  readonly #evidence: EvidenceTable;
  readonly #usedEpoch: UsedEpoch;
  readonly #followUps: FollowUpTable;
  readonly #remarks: RemarkTable;
  readonly #warnings: WarningTable;

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
    this.#warnings = new WarningTable(connection, this.#sites);
    this.#queue = new QueueTable(connection, this.#counts, this.#sites);
    this.#held = new HeldScansTable(connection);
    this.#archive = new ArchiveTable(connection, {
      chain,
      counts: this.#counts,
      sites: this.#sites,
      roster: this.#roster,
    });
    this.#webhooks = new WebhookTable(connection);
    this.#remarks = new RemarkTable(connection);
    this.#followUps = new FollowUpTable(connection, this.#sites);
    this.#retention = new Retention(connection, this.#webhooks, this.#remarks, settings.keepSettledMs);
    this.#scrub = new Scrub(connection);
    this.#clock = new ClockTable(connection);
    this.#dating = new DatingTable(connection, { history: this.#clock, chain, doubleScanMs: settings.doubleScanMs });
    this.#knowledge = new KnowledgeTable(connection);
    this.#outages = new OutageTable(connection, settings.keepSettledMs);
    this.#evidence = new EvidenceTable(connection);
    this.#usedEpoch = new UsedEpoch(connection.file);
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

  show(scanId: number): ArchivedScan | null {
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

  bootSeen(bootId: string): BootSeen | null {
    return this.#clock.bootSeen(bootId);
  }

  seeBoot(bootId: string, seen: BootSeen): void {
    this.#clock.seeBoot(bootId, seen);
  }

  recordSynchronisation(row: Synchronisation, trusted: boolean, now: WallMs): void {
    this.#clock.recordSynchronisation(row, trusted, now);
  }

  recordServiceTime(found: ServiceTime, now: WallMs): void {
    this.#clock.recordServiceTime(found, now);
  }

  recordClockEvent(bootId: string, event: ClockEvent, now: WallMs): void {
    this.#clock.recordEvent(bootId, event, now);
  }

  recordClockChange(bootId: string, atNs: MonotonicNs, change: DisciplineChange, now: WallMs): void {
    this.#clock.recordChange(bootId, atNs, change, now);
  }

  anchors(limit: number): readonly Anchor[] {
    return this.#clock.anchors(limit);
  }

  breaks(bootId: string): readonly TimeBreak[] {
    return this.#clock.breaksOf(bootId);
  }

  lastTrusted(): UtcNs | null {
    return this.#clock.lastTrusted();
  }

  dateSlice(request: DatingRequest, afterId: number): DatedSlice {
    const slice = this.#dating.dateSlice(request, afterId);
    if (slice.dated > 0) this.#unknown.lookAgain();
    return slice;
  }

  receiptKnowledge(): LimitKnowledge | null {
    return this.#knowledge.load();
  }

  keepReceiptKnowledge(knowledge: LimitKnowledge): void {
    this.#knowledge.keep(knowledge);
  }

  saveWindow(window: OutageWindow, heartbeat?: Heartbeat): void {
    this.#outages.save(window, heartbeat);
  }

  openWindow(): OutageWindow | null {
    return this.#outages.open();
  }

  lastHeartbeat(): Heartbeat | null {
    return this.#outages.lastBeat();
  }

  beat(heartbeat: Heartbeat): void {
    this.#outages.beat(heartbeat);
  }

  listOutages(filter: WindowFilter): readonly ListedWindow[] {
    return this.#outages.list(filter);
  }

  showOutage(windowId: number, now: WallMs): KeptWindow | null {
    return this.#outages.show(windowId, now);
  }

  addOutageEntry(windowId: number, entry: OutageEntry, now: WallMs): boolean {
    return this.#outages.add(windowId, entry, now);
  }

  evidenceEnd(): LogEnd | null {
    return this.#evidence.end();
  }

  isOfCopy(): boolean {
    return isMarkedAsCopy(this.#connection.file);
  }

  usedEpoch(): number {
    return this.#usedEpoch.latest;
  }

  evidenceRecords(epoch: number, from: number, limit: number): readonly KeptRecord[] {
    return this.#evidence.records(epoch, from, limit);
  }

  evidenceCheckpoints(epoch: number, from: number, limit: number): readonly KeptCheckpoint[] {
    return this.#evidence.checkpoints(epoch, from, limit);
  }

  evidenceAnchors(epoch: number, from: number, limit: number): readonly KeptAnchor[] {
    return this.#evidence.anchors(epoch, from, limit);
  }

  evidenceSalt(entryId: number): string | null {
    return this.#evidence.salt(entryId);
  }

  lastEvidenceOf(kind: Exclude<RecordKind, "sample">): string | null {
    return this.#evidence.lastOf(kind);
  }

  windowRecords(window: string): readonly string[] {
    return this.#evidence.ofWindow(window);
  }

  commitEvidence(batch: EvidenceBatch): "committed" | "diverged" {
    if (batch.from > 0) this.#usedEpoch.keep(batch.epoch);
    const outcome = this.#evidence.commit(batch);
    if (batch.from === 0 && outcome === "committed") unmarkAsCopy(this.#connection.file);
    return outcome;
  }

  dropEvidence(epoch: number, from: number): number {
    return this.#evidence.drop(epoch, from);
  }

  unrecordedEntries(limit: number): readonly UnrecordedEntry[] {
    return this.#evidence.unrecorded(limit);
  }

  windowScans(window: string): WindowScans | null {
    return this.#evidence.windowScans(window);
  }

  erasableEvidence(before: WallMs, limit: number): readonly ErasableSample[] {
    return this.#evidence.erasable(before, limit);
  }

  dueFollowUps(now: WallMs, limit: number, order: FollowOrder = "longest-due"): readonly FollowedRegistration[] {
    return this.#followUps.due(now, limit, order);
  }

  keepLook(look: KeptLook): readonly Remark[] {
    return this.#followUps.keep(look);
  }

  followCounts(): FollowCounts {
    return this.#followUps.counts();
  }

  listRemarks(filter: RemarkFilter): readonly KeptRemark[] {
    return this.#remarks.list(filter);
  }

  showRemark(remarkId: number): { readonly remark: KeptRemark; readonly marks: readonly RemarkMark[] } | null {
    return this.#remarks.show(remarkId);
  }

  markRemark(remarkId: number, mark: RemarkMark): boolean {
    return this.#remarks.mark(remarkId, mark);
  }

  newestScan(): number {
    return this.#warnings.newestScan();
  }

  warningsAfter(scanId: number, timeZone: string): WarnedSlice {
    return this.#warnings.after(scanId, timeZone);
  }

  warningsOf(scanIds: readonly number[], timeZone: string): readonly ScanWarnings[] {
    return this.#warnings.of(scanIds, timeZone);
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
