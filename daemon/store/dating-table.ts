import type Sqlite from "better-sqlite3";
import { monotonicNs } from "../base/time.ts";
import type { DatingRequest } from "../clock/dating.ts";
import type { Stamp, StampMoment } from "../clock/stamp.ts";
import { bracketStamp, breakStamp, hullStamp, retroactiveStamp } from "../clock/stamping.ts";
import { decide } from "../scan/decide.ts";
import type { ClockTable } from "./clock-table.ts";
import type { Connection } from "./connection.ts";
import { reasonOfDouble, type UnknownBadges } from "./unknown-badges.ts";
import { type DirectionColumn, ruleOf, type WorkerChain } from "./worker-chain.ts";

/** Rows that one slice looks at: about 5 ms, so that a badge at the reader never waits long for it. */
export const datingSliceRows = 500;

/** A scan's doubles follow it within a minute, in which no site stores more than this. */
const doublesWithin = 5_000;

/** What a slice did, `doubles` being among the dated; the next one begins after `afterId`, `null` at the end. */
export type DatedSlice = { readonly dated: number; readonly doubles: number; readonly afterId: number | null };

type UndatedRow = {
  readonly id: number;
  readonly bootId: string;
  readonly monotonicNs: string;
  readonly captureLagMs: number;
  readonly rule: DirectionColumn;
  /** `null` unless the scan waits and was in no call yet. */
  readonly workerId: number | null;
};

/** What a scan gets when it is dated. */
type Dating = Pick<Stamp, "how" | "utcMs" | "errorBoundMs" | "state" | "syncId"> & { readonly id: number };

export type DatingParts = {
  readonly history: ClockTable;
  readonly chain: WorkerChain;
  /** Those of them that get a time may now be given their worker. */
  readonly unknown: Pick<UnknownBadges, "lookAgain">;
  readonly doubleScanMs: number;
};

/**
 * Gives scans that were stored while nothing proved the time their UTC: from a synchronisation of their own boot, or,
 * when that boot is over and never had one, as the bracket between what was proven before it and after it. Their own
 * stamp stays beside it as it was made. With its time a scan is judged by the double-scan rule again.
 */
export class DatingTable {
  readonly #connection: Connection;
  readonly #history: ClockTable;
  readonly #undated: Sqlite.Statement<[number], UndatedRow>;
  readonly #date: Sqlite.Statement<[Dating]>;
  readonly #chain: WorkerChain;
  readonly #unknown: DatingParts["unknown"];
  readonly #doubleScanMs: number;
  readonly #drop: Sqlite.Statement<[string, number, number]>;
  readonly #doubleOf: Sqlite.Statement<[number, number, number, string], number>;

  constructor(connection: Connection, { history, chain, unknown, doubleScanMs }: DatingParts) {
    this.#connection = connection;
    this.#history = history;
    this.#chain = chain;
    this.#unknown = unknown;
    this.#doubleScanMs = doubleScanMs;
    this.#undated = connection.db.prepare(
      `SELECT id, boot_id AS bootId, CAST(monotonic_ns AS TEXT) AS monotonicNs, capture_lag_ms AS captureLagMs,
        direction_rule AS rule, iif(state = 'waiting' AND attempts = 0, worker_id, NULL) AS workerId
      FROM scans INDEXED BY scans_undated WHERE error_bound_ms IS NULL AND dated_how IS NULL AND id > ?
      ORDER BY id LIMIT ${datingSliceRows}`,
    );
    // A double was settled when it was made: a clock that was years ahead would keep it, and its worker, for as long.
    this.#date = connection.db.prepare(
      `UPDATE scans SET dated_how = @how, dated_utc_ms = @utcMs, dated_error_ms = @errorBoundMs, dated_state = @state,
        dated_sync_id = @syncId, settled_at = iif(state = 'double', @utcMs, settled_at)
      WHERE id = @id`,
    );
    this.#doubleOf = connection.db
      .prepare<[number, number, number, string], number>(
        `SELECT id FROM scans WHERE id > ? AND id <= ? + ${doublesWithin} AND worker_id = ? AND state = 'double' AND reason = ?
        LIMIT 1`,
      )
      .pluck();
    this.#drop = connection.db.prepare(
      "UPDATE scans SET state = 'double', reason = ?, settled_at = ?, previous_id = NULL WHERE id = ?",
    );
  }

  dateSlice(request: DatingRequest, afterId: number): DatedSlice {
    const rows = this.#undated.all(afterId);
    const last = rows.at(-1);
    if (last === undefined) return { dated: 0, doubles: 0, afterId: null };
    const counts = this.#connection.transact(() => {
      let dated = 0;
      let doubles = 0;
      for (const { id, rule, workerId, bootId, captureLagMs, ...row } of rows) {
        const moment = { bootId, monotonicNs: monotonicNs(BigInt(row.monotonicNs)), captureLagMs };
        const stamp = this.#proven(moment, request);
        if (stamp === null) continue;
        const { how, utcMs, errorBoundMs, state, syncId } = stamp;
        this.#date.run({ id, how, utcMs, errorBoundMs, state, syncId });
        dated += 1;
        if (workerId !== null && this.#isDroppedAsDouble(id, workerId, rule, stamp)) doubles += 1;
      }
      return { dated, doubles };
    });
    if (counts.dated > 0) this.#unknown.lookAgain();
    return { ...counts, afterId: rows.length < datingSliceRows ? null : last.id };
  }

  /**
   * When the scan was stored, how long it was after one of an earlier boot could not be known: the worker may have seen no
   * light before the power went, and tried again. Not once a later scan has its direction from this one. What was decided
   * within a boot was certain.
   */
  #isDroppedAsDouble(scanId: number, workerId: number, rule: DirectionColumn, stamp: Stamp): boolean {
    const last = this.#chain.before(workerId, scanId);
    if (last === null || last.bootId === stamp.bootId || this.#chain.isTurnedOn(workerId, scanId)) return false;
    const decision = decide(ruleOf(rule), stamp, last, this.#doubleScanMs);
    if (decision.kind !== "double" || this.#hasDoubles(scanId, workerId)) return false;
    this.#chain.remove(workerId, scanId);
    this.#drop.run(reasonOfDouble(decision.ofScanId), Math.floor(stamp.utcMs), scanId);
    return true;
  }

  /** What was stored as a double of this one may be none of the one before: it would be lost with it. */
  #hasDoubles(scanId: number, workerId: number): boolean {
    return this.#doubleOf.get(scanId, scanId, workerId, reasonOfDouble(scanId)) !== undefined;
  }

  #proven(moment: StampMoment, { presentBootId, rates, builtAt }: DatingRequest): Stamp | null {
    const { bootId } = moment;
    const anchors = this.#history.anchorsNear(bootId, moment.monotonicNs);
    const breaks = this.#history.breaksOf(bootId);
    const found = retroactiveStamp(moment, anchors, breaks, rates);
    if (found !== null) return found;
    const lastProof = this.#history.lastProofBefore(bootId) ?? builtAt;
    const after = anchors.find(({ atNs }) => atNs > moment.monotonicNs);
    // No anchor that comes later reaches across the break either.
    if (after !== undefined) {
      const before = anchors.find(({ atNs }) => atNs <= moment.monotonicNs) ?? null;
      // Where the proofs contradict each other one of them was wrong: undated, the scan would hold up his later ones for ever.
      const sides = { before, proofBeforeBoot: lastProof, after };
      return breakStamp(moment, sides, breaks, rates) ?? hullStamp(moment, builtAt, after);
    }
    // A boot that goes on may synchronise yet.
    if (bootId === presentBootId) return null;
    const nextBoot = this.#history.firstAnchorAfter(bootId);
    if (nextBoot === null) return null;
    return bracketStamp(moment, { lastProof, nextBoot }) ?? bracketStamp(moment, { lastProof: builtAt, nextBoot });
  }
}
