import type Sqlite from "better-sqlite3";
import { messageOf } from "../base/errors.ts";
import { decide } from "../scan/decide.ts";
import type { Direction, RecordOutcome, ScanDraft, ScanState } from "../scan/scan.ts";
import type { Connection } from "./connection.ts";
import type { RosterLookup } from "./roster-lookup.ts";
import type { ScanCounts } from "./scan-counts.ts";
import { notRecorded, StoreError, storeErrorCodeOf } from "./store-error.ts";
import { reasonOfDouble, type UnknownBadges } from "./unknown-badges.ts";
import { type LastScanRow, lastScanColumns, lastScanOf, type WorkerChain } from "./worker-chain.ts";

/** What the row holds beside the draft. */
type Delivery = {
  readonly direction: Direction | null;
  readonly entryId: number | null;
  readonly workerId: number | null;
  readonly previousId: number | null;
  readonly state: ScanState;
  readonly reason: string | null;
  readonly settledAt: number | null;
};

const insertedColumns = [
  "reader_id",
  "badge_raw",
  "badge_number",
  "work_site_id",
  "direction_rule",
  "boot_id",
  "monotonic_ns",
  "utc_ms",
  "error_bound_ms",
  "clock_state",
  "capture_lag_ms",
  "sync_id",
  "direction",
  "roster_entry_id",
  "worker_id",
  "previous_id",
  "state",
  "reason",
  "settled_at",
] as const;

/** Keeps scans: the one place that inserts them. Every outcome but `not-recorded` is durable when it is returned. */
export class ScanTable {
  readonly #connection: Connection;
  readonly #lookup: RosterLookup;
  readonly #chain: WorkerChain;
  readonly #unknown: UnknownBadges;
  readonly #counts: ScanCounts;
  readonly #limits: { readonly maxScans: number; readonly doubleScanMs: number };
  readonly #insert: Sqlite.Statement<unknown[]>;
  readonly #lastOfStranger: Sqlite.Statement<[string], LastScanRow>;

  constructor(
    connection: Connection,
    parts: {
      readonly lookup: RosterLookup;
      readonly chain: WorkerChain;
      readonly unknown: UnknownBadges;
      readonly counts: ScanCounts;
    },
    limits: { readonly maxScans: number; readonly doubleScanMs: number },
  ) {
    this.#connection = connection;
    this.#lookup = parts.lookup;
    this.#chain = parts.chain;
    this.#unknown = parts.unknown;
    this.#counts = parts.counts;
    this.#limits = limits;
    const values = insertedColumns.map(() => "?").join(", ");
    this.#insert = connection.db.prepare(`INSERT INTO scans (${insertedColumns.join(", ")}) VALUES (${values})`);
    this.#lastOfStranger = connection.db.prepare(
      `SELECT ${lastScanColumns} FROM scans l INDEXED BY scans_unknown_badge
      WHERE l.state = 'unknown-badge' AND l.badge_number = +? ORDER BY l.id DESC LIMIT 1`,
    );
  }

  /**
   * One transaction for the whole batch, in its order. When a scan cannot be stored for a reason of its own, the batch
   * is halved until that one stands alone, so that it never takes its mates with it.
   *
   * @throws StoreError `corrupt` when the database itself is damaged
   */
  record(drafts: readonly ScanDraft[]): readonly RecordOutcome[] {
    try {
      return this.#connection.transact(() => this.#keepAll(drafts));
    } catch (error) {
      const code = storeErrorCodeOf(error);
      if (code === "corrupt") throw new StoreError(code, messageOf(error), { cause: error });
      if (code !== "defect" || drafts.length === 1) return drafts.map(() => notRecorded(code, messageOf(error)));
      const middle = Math.floor(drafts.length / 2);
      return [...this.record(drafts.slice(0, middle)), ...this.record(drafts.slice(middle))];
    }
  }

  #keepAll(drafts: readonly ScanDraft[]): readonly RecordOutcome[] {
    const room = this.#limits.maxScans - this.#counts.rows();
    const settled = this.#unknown.settled();
    const outcomes = drafts.map((draft, index) => {
      if (index < room) return this.#keep(draft, settled);
      const detail = `the store holds its limit of ${this.#limits.maxScans} scans`;
      return { kind: "not-recorded", reason: "limit-reached", detail } as const;
    });
    const countOf = (kind: RecordOutcome["kind"]): number => outcomes.filter((outcome) => outcome.kind === kind).length;
    this.#counts.add("waiting", countOf("recorded"));
    this.#counts.add("unknown-badge", countOf("unknown-badge"));
    this.#counts.add("double", countOf("double"));
    return outcomes;
  }

  #keep(draft: ScanDraft, settled: boolean): RecordOutcome {
    const badge = draft.badge.number;
    let known = this.#lookup.find(badge);
    if (known !== undefined && !settled && this.#unknown.resolveBadge(badge, known) > 0)
      known = this.#lookup.find(badge);
    const last = lastScanOf(known ?? this.#lastOfStranger.get(badge));
    const decision = decide(draft.rule, draft.stamp, last, this.#limits.doubleScanMs);
    const holder = { entryId: known?.entryId ?? null, workerId: known?.workerId ?? null };

    if (decision.kind === "double") {
      const scanId = this.#write(draft, {
        ...holder,
        direction: draft.rule.kind === "fixed" ? draft.rule.direction : null,
        previousId: null,
        state: "double",
        reason: reasonOfDouble(decision.ofScanId),
        settledAt: Math.floor(draft.stamp.utcMs),
      });
      return { kind: "double", scanId, ofScanId: decision.ofScanId };
    }
    const kept = { ...holder, previousId: null, reason: null, settledAt: null };
    if (known === undefined) {
      return {
        kind: "unknown-badge",
        scanId: this.#write(draft, { ...kept, direction: null, state: "unknown-badge" }),
      };
    }
    const { direction } = decision;
    const scanId = this.#write(draft, { ...kept, direction, previousId: last?.id ?? null, state: "waiting" });
    this.#chain.push(known.workerId, scanId);
    return { kind: "recorded", scanId, direction };
  }

  #write({ readerId, badge, rule, workSiteId, stamp }: ScanDraft, delivery: Delivery): number {
    const { lastInsertRowid } = this.#insert.run(
      readerId,
      badge.raw,
      badge.number,
      workSiteId,
      rule.kind === "fixed" ? rule.direction : "toggle",
      stamp.bootId,
      stamp.monotonicNs,
      // Whole milliseconds, cut: a stamp is never moved forward.
      Math.floor(stamp.utcMs),
      stamp.errorBoundMs,
      stamp.state,
      stamp.captureLagMs,
      stamp.syncId,
      delivery.direction,
      delivery.entryId,
      delivery.workerId,
      delivery.previousId,
      delivery.state,
      delivery.reason,
      delivery.settledAt,
    );
    return Number(lastInsertRowid);
  }
}
