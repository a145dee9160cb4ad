import type Sqlite from "better-sqlite3";
import { present } from "../base/assert.ts";
import { messageOf } from "../base/errors.ts";
import { wallMs } from "../base/time.ts";
import { decide } from "../scan/decide.ts";
import type { Direction, LastScan, NotRecordedReason, RecordOutcome, ScanDraft, ScanState } from "../scan/scan.ts";
import type { Connection } from "./connection.ts";
import { freeId } from "./free-id.ts";
import type { KnownBadge, RosterLookup } from "./roster-lookup.ts";
import type { ScanCounts } from "./scan-counts.ts";
import { notRecorded, StoreError, storeErrorCodeOf } from "./store-error.ts";
import { reasonOfDouble, type UnknownBadges } from "./unknown-badges.ts";
import { type LastScanRow, lastScanColumns, lastScanOf, type WorkerChain } from "./worker-chain.ts";

/** What the row holds beside the draft. */
type Delivery = {
  readonly direction: Direction | null;
  readonly previousId: number | null;
  readonly state: ScanState;
  readonly reason: string | null;
  readonly settledAt: number | null;
};

const insertedColumns = [
  "id",
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

/**
 * Share of the room up to which scans of badges are kept that the roster does not know. At the port of a reader there may be
 * a device that streams, a scale or a receiver, and each of its lines is kept as a badge: the rest is the workers'.
 */
const strangersMaxShare = 0.9;

/** Rows of one statement: a fifth less than as many statements; more of them gain nothing. */
const rowsAtOnce = 8;

/** Keeps scans: the one place that inserts them. Every outcome but `not-recorded` is durable when it is returned. */
export class ScanTable {
  readonly #connection: Connection;
  readonly #lookup: RosterLookup;
  readonly #chain: WorkerChain;
  readonly #unknown: UnknownBadges;
  readonly #counts: ScanCounts;
  readonly #limits: { readonly maxScans: number; readonly doubleScanMs: number };
  readonly #insert: Sqlite.Statement<unknown[]>;
  readonly #insertSome: Sqlite.Statement<unknown[]>;
  readonly #newest: Sqlite.Statement<[], number>;
  readonly #lastOfStranger: Sqlite.Statement<[string], LastScanRow>;
  /** No new scan gets an id up to this one. */
  readonly #spokenOf: number;

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
    const { db } = connection;
    this.#spokenOf = (freeId(db) ?? 1) - 1;
    const values = `(${insertedColumns.map(() => "?").join(", ")})`;
    const insert = `INSERT INTO scans (${insertedColumns.join(", ")}) VALUES`;
    this.#insert = db.prepare(`${insert} ${values}`);
    this.#insertSome = db.prepare(`${insert} ${Array.from({ length: rowsAtOnce }, () => values).join(", ")}`);
    this.#newest = db.prepare<[], number>("SELECT coalesce(max(id), 0) FROM scans").pluck();
    this.#lastOfStranger = db.prepare(
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
    const { maxScans } = this.#limits;
    const room = Math.max(0, maxScans - this.#counts.rows());
    const strangersMax = Math.floor(maxScans * strangersMaxShare);
    const newestId = Math.max(present(this.#newest.get(), "a maximum or nothing"), this.#spokenOf);
    const group = new ScanGroup(this.#knownOf(room === 0 ? [] : drafts), newestId);
    const outcomes = drafts.map((draft): RecordOutcome => {
      const left = room - group.rows.length;
      if (left <= 0) return refused("limit-reached", `the store holds its limit of ${maxScans} scans`);
      const isStranger = !group.known.has(draft.badge.number);
      if (!isStranger || left > maxScans - strangersMax) return this.#keep(draft, group);
      return refused("limit-of-unknown", `of unknown badges none is kept from ${strangersMax} scans in the store on`);
    });
    this.#write(group.rows);
    for (const [workerId, { id }] of group.lastOfWorker) this.#chain.push(workerId, id);
    for (const [state, scans] of group.countOf) this.#counts.add(state, scans);
    return outcomes;
  }

  /** Who holds the badges, once the earlier scans of those that the roster has learnt since are resolved. */
  #knownOf(drafts: readonly ScanDraft[]): ReadonlyMap<string, KnownBadge> {
    const found = this.#lookup.findAll(drafts.map((draft) => draft.badge.number));
    if (this.#unknown.settled()) return found;
    let resolved = 0;
    const workers = new Set([...found.values()].map(({ workerId }) => workerId));
    for (const workerId of workers) resolved += this.#unknown.resolveWorker(workerId);
    return resolved === 0 ? found : this.#lookup.findAll([...found.keys()]);
  }

  #keep(draft: ScanDraft, group: ScanGroup): RecordOutcome {
    const { rule, stamp } = draft;
    const badge = draft.badge.number;
    const known = group.known.get(badge);
    const last = known === undefined ? this.#lastStranger(badge, group) : lastOfWorker(known, group);
    const decision = decide(rule, stamp, last, this.#limits.doubleScanMs);
    const ruled = rule.kind === "fixed" ? rule.direction : null;

    if (decision.kind === "double") {
      const settledAt = Math.floor(stamp.utcMs);
      const reason = reasonOfDouble(decision.ofScanId);
      const { id } = group.add(draft, { direction: ruled, previousId: null, state: "double", reason, settledAt });
      // "Recorded moments before" is what a worker is told whose scan is to be sent, and a stranger's is not.
      if (known === undefined) return { kind: "unknown-badge", scanId: id };
      return { kind: "double", scanId: id, ofScanId: decision.ofScanId };
    }
    const kept = { reason: null, settledAt: null };
    if (known === undefined) {
      const added = group.add(draft, { ...kept, direction: null, previousId: null, state: "unknown-badge" });
      group.lastOfStranger.set(badge, { ...added, direction: ruled });
      return { kind: "unknown-badge", scanId: added.id };
    }
    const { direction } = decision;
    const added = group.add(draft, { ...kept, direction, previousId: last?.id ?? null, state: "waiting" });
    group.lastOfWorker.set(known.workerId, added);
    return { kind: "recorded", scanId: added.id, direction };
  }

  #lastStranger(badge: string, group: ScanGroup): LastScan | null {
    return group.lastOfStranger.get(badge) ?? lastScanOf(this.#lastOfStranger.get(badge));
  }

  #write(rows: readonly ScanRow[]): void {
    let at = 0;
    for (; at + rowsAtOnce <= rows.length; at += rowsAtOnce) {
      this.#insertSome.run(rows.slice(at, at + rowsAtOnce).flat());
    }
    for (const row of rows.slice(at)) this.#insert.run(row);
  }
}

/** The values of `insertedColumns`. */
type ScanRow = readonly (string | number | bigint | null)[];

/** Scans that are decided on and not yet written: each is the past of those behind it. */
class ScanGroup {
  readonly known: ReadonlyMap<string, KnownBadge>;
  readonly rows: ScanRow[] = [];
  readonly lastOfWorker: Map<number, LastScan> = new Map();
  readonly lastOfStranger: Map<string, LastScan> = new Map();
  readonly countOf: Map<ScanState, number> = new Map();
  #newestId: number;

  constructor(known: ReadonlyMap<string, KnownBadge>, newestId: number) {
    this.known = known;
    this.#newestId = newestId;
  }

  add({ readerId, badge, rule, workSiteId, stamp }: ScanDraft, delivery: Delivery): LastScan {
    this.#newestId += 1;
    const id = this.#newestId;
    const { direction, previousId, state, reason, settledAt } = delivery;
    const { entryId = null, workerId = null } = this.known.get(badge.number) ?? {};
    // Whole milliseconds, cut: a stamp is never moved forward.
    const utcMs = wallMs(Math.floor(stamp.utcMs));
    const { bootId, monotonicNs, errorBoundMs } = stamp;
    const ruled = rule.kind === "fixed" ? rule.direction : "toggle";
    // biome-ignore format: in the order of `insertedColumns`
    this.rows.push([
      id, readerId, badge.raw, badge.number, workSiteId, ruled, bootId, monotonicNs, utcMs,
      errorBoundMs, stamp.state, stamp.captureLagMs, stamp.syncId,
      direction, entryId, workerId, previousId, state, reason, settledAt,
    ]);
    this.countOf.set(state, (this.countOf.get(state) ?? 0) + 1);
    return { id, direction, bootId, monotonicNs, utcMs, errorBoundMs, isBracket: false };
  }
}

function refused(reason: NotRecordedReason, detail: string): RecordOutcome {
  return { kind: "not-recorded", reason, detail };
}

function lastOfWorker(known: KnownBadge, group: ScanGroup): LastScan | null {
  return group.lastOfWorker.get(known.workerId) ?? lastScanOf(known);
}
