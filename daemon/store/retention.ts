import type Sqlite from "better-sqlite3";
import type { WallMs } from "../base/time.ts";
import { toggleWindowMs } from "../scan/decide.ts";
import type { Connection } from "./connection.ts";
import { markBeforeErasing, perhapsAnothers } from "./earlier-holders.ts";
import { LeftWorkers, type Reference, releasableMinMs } from "./left-workers.ts";
import type { RemarkTable } from "./remark-table.ts";
import { utcColumn } from "./stamp-columns.ts";
import type { WebhookTable } from "./webhook-table.ts";

/** Rows of each kind that one slice erases: about 5 ms under the write lock. */
export const eraseSliceRows = 500;

/** Scans that one slice looks at for references to superseded roster entries: about 3 ms, without a lock. */
export const sweepSliceRows = 5000;

/** Superseded entries that one sweep decides on: a whole roster replaced. */
export const sweepMaxEntries = 20_000;

/** What was erased; `more` when another slice is worth its while. */
export type ErasedSlice = {
  readonly scans: number;
  readonly rosterEntries: number;
  readonly workers: number;
  readonly attempts: number;
  /** Refused and kept-back scans that lost their worker; they stay. */
  readonly parted: number;
  readonly more: boolean;
};

/** Superseded entries that no scan up to `afterId` refers to. */
type Sweep = { readonly unreferenced: Set<number>; readonly afterId: number };

/** What a slice of a sweep came to: what is to be written, and where the next one goes on; `null` at the end. */
type SweepSlice = {
  readonly erase: readonly number[];
  readonly part: readonly Reference[];
  readonly sweep: Sweep | null;
};

/**
 * Erases what is no longer needed, personal data first of all: scans settled long ago, then the roster's superseded
 * entries, workers, attempts and skips that nothing refers to any more. What is unsent, or a webhook has not passed, stays;
 * what nobody released for so long loses its worker where the roster no longer names him.
 *
 * Entries are swept: a superseded entry never gets a new reference, so one that no scan had during a walk through all
 * scans has none. The walk goes slice by slice.
 */
export class Retention {
  readonly #connection: Connection;
  readonly #webhooks: WebhookTable;
  readonly #remarks: RemarkTable;
  readonly #keepSettledMs: number;
  readonly #settled: readonly Sqlite.Statement<[number, number, number], number>[];
  readonly #newest: Sqlite.Statement<[], number | null>;
  readonly #eraseScan: Sqlite.Statement<[number]>;
  readonly #superseded: Sqlite.Statement<[], number>;
  readonly #references: Sqlite.Statement<[number], Reference>;
  readonly #left: LeftWorkers;
  readonly #markScans: Sqlite.Statement<[{ readonly reason: string; readonly entries: string }]>;
  readonly #eraseEntry: Sqlite.Statement<[number]>;
  readonly #eraseWorkers: Sqlite.Statement<[]>;
  readonly #eraseAttempts: Sqlite.Statement<[number]>;
  readonly #eraseSkips: Sqlite.Statement<[]>;
  readonly #oldestScan: Sqlite.Statement<[], number>;
  readonly #eraseSyncs: Sqlite.Statement<[number]>;
  readonly #eraseEvents: Sqlite.Statement<[number]>;
  #sweep: Sweep | null;

  constructor(connection: Connection, webhooks: WebhookTable, remarks: RemarkTable, keepSettledMs: number) {
    this.#connection = connection;
    this.#webhooks = webhooks;
    this.#remarks = remarks;
    // A worker's last scan decides the direction of the next one for this long.
    this.#keepSettledMs = Math.max(keepSettledMs, toggleWindowMs);
    this.#sweep = null;
    const { db } = connection;
    this.#settled = (["registered", "double"] as const).map((state) =>
      db
        .prepare<[number, number, number], number>(
          `SELECT id FROM scans INDEXED BY scans_${state}
          WHERE state = '${state}' AND settled_at < ? AND id <= ? ORDER BY settled_at LIMIT ?`,
        )
        .pluck(),
    );
    this.#newest = db.prepare<[], number | null>("SELECT max(id) FROM scans").pluck();
    this.#eraseScan = db.prepare("DELETE FROM scans WHERE id = ? AND state IN ('registered', 'double')");
    this.#superseded = db
      .prepare<[], number>(
        `SELECT id FROM roster_entries INDEXED BY roster_superseded WHERE superseded_at IS NOT NULL
        LIMIT ${sweepMaxEntries}`,
      )
      .pluck();
    this.#references = db.prepare(
      `SELECT id, roster_entry_id AS entryId, worker_id AS workerId, state, settled_at AS settledAt
      FROM scans WHERE id > ? ORDER BY id LIMIT ${sweepSliceRows}`,
    );
    this.#left = new LeftWorkers(connection);
    this.#markScans = db.prepare(markBeforeErasing);
    this.#eraseEntry = db.prepare("DELETE FROM roster_entries WHERE id = ?");
    this.#eraseWorkers = db.prepare(
      `DELETE FROM workers WHERE id IN (SELECT w.id FROM workers w
        WHERE NOT EXISTS (SELECT 1 FROM roster_entries e WHERE e.worker_id = w.id) LIMIT ${eraseSliceRows})`,
    );
    this.#eraseSkips = db.prepare(
      `DELETE FROM webhook_skips WHERE id IN (SELECT k.id FROM webhook_skips k
        WHERE NOT EXISTS (SELECT 1 FROM scans s WHERE s.id = k.scan_id) LIMIT ${eraseSliceRows})`,
    );
    this.#oldestScan = db.prepare<[], number>(`SELECT ${utcColumn("scans")} FROM scans ORDER BY id LIMIT 1`).pluck();
    // The last one that was trusted tells the next boot in which era it is.
    this.#eraseSyncs = db.prepare(
      `DELETE FROM clock_syncs WHERE id IN (SELECT id FROM clock_syncs WHERE recorded_at < ?
        AND id < (SELECT max(id) FROM clock_syncs WHERE trusted = 1) ORDER BY id LIMIT ${eraseSliceRows})`,
    );
    this.#eraseEvents = db.prepare(
      `DELETE FROM clock_events WHERE id IN (SELECT id FROM clock_events WHERE recorded_at < ?
        ORDER BY id LIMIT ${eraseSliceRows})`,
    );
    this.#eraseAttempts = db.prepare(
      `DELETE FROM attempts WHERE id IN (SELECT a.id FROM attempts a INDEXED BY attempts_ended WHERE a.ended_at < ?
        AND NOT EXISTS (SELECT 1 FROM scans s WHERE s.attempt_id = a.id)
        AND NOT EXISTS (SELECT 1 FROM scans s WHERE s.doubt_attempt_id = a.id) LIMIT ${eraseSliceRows})`,
    );
  }

  /** One slice of the work; call again while it says `more`. Scans first: what they refer to comes after them. */
  eraseSlice(now: WallMs): ErasedSlice {
    const before = Math.floor(now - this.#keepSettledMs);
    const settled = this.#settledBefore(before);
    if (settled.length > 0) return this.#eraseScans(settled);
    const releasableBefore = Math.floor(now - Math.max(this.#keepSettledMs, releasableMinMs));
    const { erase, part, sweep } = this.#advanceSweep(releasableBefore);
    let otherRows = 0;
    const erased = this.#connection.transact(() => {
      const kept = part.filter(({ id }) => !this.#left.part(id, releasableBefore));
      const stillReferenced = new Set(kept.map(({ entryId }) => entryId));
      for (const { entryId } of kept) if (entryId !== null) sweep?.unreferenced.delete(entryId);
      const erasable = erase.filter((id) => !stillReferenced.has(id));
      if (erasable.length > 0) this.#markScans.run({ reason: perhapsAnothers, entries: JSON.stringify(erasable) });
      for (const id of erasable) this.#eraseEntry.run(id);
      const workers = this.#eraseWorkers.run().changes;
      this.#eraseSkips.run();
      const attempts = this.#eraseAttempts.run(before).changes;
      otherRows = Math.max(
        this.#eraseClockHistory(before),
        this.#remarks.erase(now, this.#keepSettledMs, eraseSliceRows),
      );
      const parted = part.length - kept.length;
      return { scans: 0, rosterEntries: erasable.length, workers, attempts, parted };
    });
    this.#sweep = sweep;
    return {
      ...erased,
      more: sweep !== null || Math.max(erased.workers, erased.attempts, otherRows) >= eraseSliceRows,
    };
  }

  /** Never what a stored scan may rest on: its synchronisation is as much older than the scan as the holdover was long. */
  #eraseClockHistory(before: number): number {
    const needed = Math.min(before, this.#oldestScan.get() ?? before) - this.#keepSettledMs;
    return Math.max(this.#eraseSyncs.run(needed).changes, this.#eraseEvents.run(needed).changes);
  }

  #eraseScans(ids: readonly number[]): ErasedSlice {
    const scans = this.#connection.transact(() => ids.reduce((sum, id) => sum + this.#eraseScan.run(id).changes, 0));
    return { scans, rosterEntries: 0, workers: 0, attempts: 0, parted: 0, more: true };
  }

  /** Looked up before the write lock is taken: a webhook that stands still makes this a long look. */
  #settledBefore(before: number): readonly number[] {
    const newest = this.#newest.get() ?? 0;
    const passed = Math.min(newest - 1, this.#passedByWebhooks());
    const found = this.#settled.flatMap((settled) => settled.all(before, passed, eraseSliceRows));
    return found.slice(0, eraseSliceRows);
  }

  #passedByWebhooks(): number {
    return this.#webhooks.slowestCursor() ?? Number.MAX_SAFE_INTEGER;
  }

  #advanceSweep(releasableBefore: number): SweepSlice {
    const { unreferenced, afterId } = this.#sweep ?? { unreferenced: new Set(this.#superseded.all()), afterId: 0 };
    if (unreferenced.size === 0) return { erase: [], part: [], sweep: null };
    const rows = this.#references.all(afterId);
    const last = rows.at(-1);
    const passed = this.#passedByWebhooks();
    const part: Reference[] = [];
    for (const row of rows) {
      if (row.entryId === null || !unreferenced.has(row.entryId)) continue;
      if (this.#left.isParted(row, releasableBefore, passed)) part.push(row);
      else unreferenced.delete(row.entryId);
    }
    if (last !== undefined && rows.length === sweepSliceRows)
      return { erase: [], part, sweep: { unreferenced, afterId: last.id } };
    const erase = [...unreferenced].slice(0, eraseSliceRows);
    const left = new Set([...unreferenced].slice(eraseSliceRows));
    return { erase, part, sweep: left.size === 0 ? null : { unreferenced: left, afterId: last?.id ?? afterId } };
  }
}
