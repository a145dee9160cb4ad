import type Sqlite from "better-sqlite3";
import { monotonicNs } from "../base/time.ts";
import type { DatingRequest } from "../clock/dating.ts";
import type { Stamp, StampMoment } from "../clock/stamp.ts";
import { bracketStamp, breakStamp, retroactiveStamp } from "../clock/stamping.ts";
import type { ClockTable } from "./clock-table.ts";
import type { Connection } from "./connection.ts";

/** Rows that one slice looks at: about 5 ms, so that a badge at the reader never waits long for it. */
export const datingSliceRows = 500;

/** What a slice did; the next one begins after `afterId`, `null` at the end. */
export type DatedSlice = { readonly dated: number; readonly afterId: number | null };

type UndatedRow = {
  readonly id: number;
  readonly bootId: string;
  readonly monotonicNs: string;
  readonly captureLagMs: number;
};

/**
 * Gives scans that were stored while nothing proved the time their UTC: from a synchronisation of their own boot, or,
 * when that boot is over and never had one, as the bracket between what was proven before it and after it. Their own
 * stamp stays beside it as it was made.
 */
export class DatingTable {
  readonly #connection: Connection;
  readonly #history: ClockTable;
  readonly #undated: Sqlite.Statement<[number], UndatedRow>;
  readonly #date: Sqlite.Statement<unknown[]>;

  constructor(connection: Connection, history: ClockTable) {
    this.#connection = connection;
    this.#history = history;
    this.#undated = connection.db.prepare(
      `SELECT id, boot_id AS bootId, CAST(monotonic_ns AS TEXT) AS monotonicNs, capture_lag_ms AS captureLagMs
      FROM scans INDEXED BY scans_undated WHERE error_bound_ms IS NULL AND dated_how IS NULL AND id > ?
      ORDER BY id LIMIT ${datingSliceRows}`,
    );
    this.#date = connection.db.prepare(
      `UPDATE scans SET dated_how = ?, dated_utc_ms = ?, dated_error_ms = ?, dated_state = ?, dated_sync_id = ?
      WHERE id = ?`,
    );
  }

  dateSlice(request: DatingRequest, afterId: number): DatedSlice {
    const rows = this.#undated.all(afterId);
    const last = rows.at(-1);
    if (last === undefined) return { dated: 0, afterId: null };
    const dated = this.#connection.transact(() => {
      let count = 0;
      for (const { id, ...row } of rows) {
        const stamp = this.#proven({ ...row, monotonicNs: monotonicNs(BigInt(row.monotonicNs)) }, request);
        if (stamp === null) continue;
        this.#date.run(stamp.how, stamp.utcMs, stamp.errorBoundMs, stamp.state, stamp.syncId, id);
        count += 1;
      }
      return count;
    });
    return { dated, afterId: rows.length < datingSliceRows ? null : last.id };
  }

  #proven(moment: StampMoment, { presentBootId, rates, builtAt }: DatingRequest): Stamp | null {
    const { bootId } = moment;
    const anchors = this.#history.anchorsNear(bootId, moment.monotonicNs);
    const found = retroactiveStamp(moment, anchors, this.#history.breaksOf(bootId), rates);
    if (found !== null) return found;
    const lastProof = this.#history.lastProofBefore(bootId) ?? builtAt;
    const after = anchors.find(({ atNs }) => atNs > moment.monotonicNs);
    // No anchor that comes later reaches across the break either.
    if (after !== undefined) {
      const before = anchors.find(({ atNs }) => atNs <= moment.monotonicNs) ?? null;
      return breakStamp(moment, before, lastProof, after, rates);
    }
    // A boot that goes on may synchronise yet.
    if (bootId === presentBootId) return null;
    const nextBoot = this.#history.firstAnchorAfter(bootId);
    if (nextBoot === null) return null;
    return bracketStamp(moment, { lastProof, nextBoot }) ?? bracketStamp(moment, { lastProof: builtAt, nextBoot });
  }
}
