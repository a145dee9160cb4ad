import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import type Sqlite from "better-sqlite3";
import { present } from "../base/assert.ts";
import { utcText } from "../base/system-time.ts";
import { type WallMs, wallMs } from "../base/time.ts";
import {
  type ArchivedScan,
  listMaxScans,
  type ReleaseConsent,
  type ReleaseOutcome,
  type ScanFilter,
  type ShownScan,
  type StoreSummary,
} from "../scan/archive.ts";
import type { Direction, ScanState } from "../scan/scan.ts";
import type { Connection } from "./connection.ts";
import { erasedWorker } from "./left-workers.ts";
import type { RosterTable } from "./roster-table.ts";
import type { ScanCounts } from "./scan-counts.ts";
import { type StampRow, stampColumns, stampOf, utcColumn } from "./stamp-columns.ts";
import { storeErrorCodeOf } from "./store-error.ts";
import type { WorkSites } from "./work-sites.ts";
import type { WorkerChain } from "./worker-chain.ts";

type ArchivedRow = StampRow & {
  readonly scanId: number;
  readonly readerId: string;
  readonly badgeRaw: string;
  readonly badgeNumber: string;
  readonly workerReference: string | null;
  readonly direction: Direction | null;
  readonly state: ScanState;
  readonly reason: string | null;
  readonly registrationId: string | null;
  readonly settledAt: number | null;
  readonly attempts: number;
  readonly doubtAttemptId: number | null;
  readonly doubtOutcome: string | null;
  readonly doubtDetail: string | null;
  readonly doubtEndedAt: number | null;
  readonly doubtVerdict: "found" | "not-found" | null;
};

type ReleasableRow = {
  readonly state: ScanState;
  readonly workSiteId: number;
  readonly badge: string;
  readonly utcMs: number;
  /** Half of the bracket that is all that is known of its time; null for a scan with a stamp. */
  readonly bracketMs: number | null;
  /** Null when a damaged database lost the worker, or he was erased. */
  readonly workerId: number | null;
  readonly reference: string | null;
  readonly reason: string | null;
};

type EntryRow = {
  readonly entryId: number;
  readonly workerId: number;
  readonly reference: string | null;
  readonly validFrom: string | null;
};

const archivedColumns = `s.id AS scanId, s.reader_id AS readerId, s.badge_raw AS badgeRaw,
  s.badge_number AS badgeNumber, e.reference AS workerReference, s.direction, s.state, ${stampColumns("s")},
  s.reason, s.registration_id AS registrationId,
  s.settled_at AS settledAt, s.attempts, a.id AS doubtAttemptId, a.outcome AS doubtOutcome, a.detail AS doubtDetail,
  a.ended_at AS doubtEndedAt, s.doubt_verdict AS doubtVerdict`;
const archivedTables = `scans s LEFT JOIN roster_entries e ON e.id = s.roster_entry_id
  LEFT JOIN attempts a ON a.id = s.doubt_attempt_id`;

/** What people see of the scans, and the one thing they may do to them. */
export class ArchiveTable {
  readonly #connection: Connection;
  readonly #parts: {
    readonly chain: WorkerChain;
    readonly counts: ScanCounts;
    readonly sites: WorkSites;
    readonly roster: RosterTable;
  };
  readonly #show: Sqlite.Statement<[number], ArchivedRow>;
  readonly #basis: Sqlite.Statement<[string], ShownScan["clockBasis"]>;
  readonly #releasable: Sqlite.Statement<[number], ReleasableRow>;
  readonly #entry: Sqlite.Statement<[string], EntryRow>;
  readonly #release: Sqlite.Statement<[number, number]>;
  readonly #rebind: Sqlite.Statement<[number, number, number]>;
  readonly #lastRegistered: Sqlite.Statement<[], number>;
  readonly #oldestWaiting: Sqlite.Statement<[], number>;
  readonly #storeId: Sqlite.Statement<[], string>;

  constructor(
    connection: Connection,
    parts: {
      readonly chain: WorkerChain;
      readonly counts: ScanCounts;
      readonly sites: WorkSites;
      readonly roster: RosterTable;
    },
  ) {
    this.#connection = connection;
    this.#parts = parts;
    const { db } = connection;
    this.#show = db.prepare(`SELECT ${archivedColumns} FROM ${archivedTables} WHERE s.id = +?`);
    this.#basis = db
      .prepare<[string], ShownScan["clockBasis"]>("SELECT basis FROM clock_syncs WHERE sync_id = ?")
      .pluck();
    this.#releasable = db.prepare(
      `SELECT s.state, s.work_site_id AS workSiteId, s.badge_number AS badge, ${utcColumn("s")} AS utcMs,
        iif(s.dated_how = 'bracket', s.dated_error_ms, NULL) AS bracketMs, s.worker_id AS workerId, e.reference, s.reason
      FROM scans s LEFT JOIN roster_entries e ON e.id = s.roster_entry_id WHERE s.id = +?`,
    );
    this.#entry = db.prepare(
      `SELECT id AS entryId, worker_id AS workerId, reference, valid_from AS validFrom
      FROM roster_entries INDEXED BY roster_in_force WHERE badge = ? AND superseded_at IS NULL`,
    );
    this.#release = db.prepare(
      `UPDATE scans SET state = 'waiting', reason = NULL, not_before = NULL, settled_at = NULL, released_at = ?
      WHERE id = ?`,
    );
    this.#rebind = db.prepare("UPDATE scans SET roster_entry_id = ?, worker_id = ? WHERE id = ?");
    this.#lastRegistered = db
      .prepare<[], number>(
        `SELECT settled_at FROM scans INDEXED BY scans_registered WHERE state = 'registered'
        ORDER BY settled_at DESC LIMIT 1`,
      )
      .pluck();
    this.#oldestWaiting = db
      .prepare<[], number>(
        `SELECT ${utcColumn("scans")} FROM scans INDEXED BY scans_waiting WHERE state = 'waiting' ORDER BY id LIMIT 1`,
      )
      .pluck();
    this.#storeId = db.prepare<[], string>("SELECT store_id FROM store").pluck();
  }

  storeId(): string {
    return present(this.#storeId.get(), "a database has its id");
  }

  list(filter: ScanFilter): readonly ArchivedScan[] {
    const { where, values } = conditionsOf(filter);
    const rows = this.#connection.db
      .prepare<unknown[], ArchivedRow>(
        `SELECT ${archivedColumns} FROM ${archivedTables} ${where} ORDER BY s.id DESC LIMIT ?`,
      )
      .all(...values, Math.min(Math.max(0, filter.limit), listMaxScans));
    return rows.map(archivedOf);
  }

  show(scanId: number): ShownScan | null {
    const row = this.#show.get(scanId);
    return row === undefined ? null : { ...archivedOf(row), clockBasis: this.#basisOf(row.syncId) };
  }

  /** In a damaged database it may be past reading; the scan is shown all the same. */
  #basisOf(syncId: string | null): ShownScan["clockBasis"] {
    if (syncId === null) return null;
    try {
      return this.#basis.get(syncId) ?? null;
    } catch (error) {
      if (storeErrorCodeOf(error) === "corrupt") return null;
      throw error;
    }
  }

  release(scanId: number, now: WallMs, consent: ReleaseConsent): ReleaseOutcome {
    return this.#connection.transact(() => {
      const scan = this.#releasable.get(scanId);
      if (scan === undefined) return { kind: "no-such-scan" };
      const found = this.#entry.get(scan.badge);
      const entry = found !== undefined && isCorrection(scan, found) ? found : null;
      if ((scan.state !== "refused" && scan.state !== "withheld") || !this.#parts.sites.isKnown(scan.workSiteId)) {
        return { kind: "not-releasable", state: scan.state };
      }
      if ((scan.workerId ?? entry) === null) return { kind: "no-holder" };
      if (entry !== null && isUncertain(scan, entry) && !consent.samePerson) return { kind: "other-holder" };
      if (scan.bracketMs !== null && !consent.bracket) {
        const [earliestMs, latestMs] = [wallMs(scan.utcMs - scan.bracketMs), wallMs(scan.utcMs + scan.bracketMs)];
        return { kind: "bracket", earliestMs, latestMs };
      }
      if (entry !== null) this.#bind(scanId, scan.workerId, entry);
      this.#release.run(Math.floor(now), scanId);
      return { kind: "released" };
    });
  }

  summary(maxScans: number): StoreSummary {
    const { counts, roster } = this.#parts;
    const disk = statfsSync(dirname(this.#connection.file));
    return {
      byState: counts.byState(),
      doubtful: counts.of("doubtful"),
      rows: counts.rows(),
      maxScans,
      oldestWaiting: wallOrNull(this.#oldestWaiting.get()),
      lastRegisteredAt: wallOrNull(this.#lastRegistered.get()),
      databaseBytes: this.#connection.bytes(),
      freeBytes: disk.bavail * disk.bsize,
      rosterBadges: roster.badges(),
      storeId: this.storeId(),
    };
  }

  #bind(scanId: number, workerId: number | null, entry: EntryRow): void {
    if (workerId === entry.workerId) {
      this.#rebind.run(entry.entryId, entry.workerId, scanId);
      return;
    }
    if (workerId !== null) this.#parts.chain.remove(workerId, scanId);
    this.#rebind.run(entry.entryId, entry.workerId, scanId);
    this.#parts.chain.insert(entry.workerId, scanId);
  }
}

/**
 * Whether the roster's entry is the same holder, corrected, and not the next holder of the badge: a scan must never
 * become the registration of someone else. Dates are compared in UTC, which at worst keeps the entry the scan has.
 */
function isCorrection(scan: ReleasableRow, entry: EntryRow): boolean {
  if (scan.reference !== null && entry.reference !== null && scan.reference !== entry.reference) return false;
  return entry.validFrom === null || entry.validFrom <= utcText(wallMs(scan.utcMs)).slice(0, 10);
}

/** Somebody where nobody knows any more who it was; or another worker, by his number, and no reference on both sides that shows him to be the same person. */
function isUncertain(scan: ReleasableRow, entry: EntryRow): boolean {
  if (scan.reason?.endsWith(erasedWorker)) return true;
  return (
    scan.workerId !== null && scan.workerId !== entry.workerId && (scan.reference === null || entry.reference === null)
  );
}

function conditionsOf(filter: ScanFilter): { readonly where: string; readonly values: readonly unknown[] } {
  const conditions: string[] = [];
  const values: unknown[] = [];
  const add = (condition: string, ...bound: readonly unknown[]): void => {
    conditions.push(condition);
    values.push(...bound);
  };
  if (filter.states.length > 0) add(`s.state IN (${filter.states.map(() => "?").join(", ")})`, ...filter.states);
  if (filter.readerId !== null) add("s.reader_id = ?", filter.readerId);
  if (filter.from !== null) add(`${utcColumn("s")} >= ?`, filter.from);
  if (filter.to !== null) add(`${utcColumn("s")} <= ?`, filter.to);
  if (filter.doubtfulOnly) add("s.doubt_attempt_id IS NOT NULL");
  return { where: conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`, values };
}

function archivedOf(row: ArchivedRow): ArchivedScan {
  return {
    scanId: row.scanId,
    readerId: row.readerId,
    badgeRaw: row.badgeRaw,
    badgeNumber: row.badgeNumber,
    workerReference: row.workerReference,
    direction: row.direction,
    state: row.state,
    stamp: stampOf(row),
    reason: row.reason,
    registrationId: row.registrationId,
    settledAt: wallOrNull(row.settledAt),
    attempts: row.attempts,
    doubt:
      row.doubtAttemptId === null
        ? null
        : {
            attemptId: row.doubtAttemptId,
            outcome: row.doubtOutcome ?? "interrupted",
            detail: row.doubtDetail ?? "",
            endedAt: wallMs(row.doubtEndedAt ?? 0),
            searched: row.doubtVerdict,
          },
  };
}

function wallOrNull(value: number | null | undefined): WallMs | null {
  return value === null || value === undefined ? null : wallMs(value);
}
