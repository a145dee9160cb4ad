import type Sqlite from "better-sqlite3";
import { present } from "../base/assert.ts";
import { type BadgeForm, normaliseBadge } from "../base/badge-form.ts";
import { belgianZone } from "../base/belgium.ts";
import { monotonicNs, type WallMs } from "../base/time.ts";
import { zonedText } from "../base/zoned-time.ts";
import type { Stamp } from "../clock/stamp.ts";
import { type Decision, decide } from "../scan/decide.ts";
import { type BadgeReading, badgeNumber, foreignMark } from "../scan/draft.ts";
import type { Direction } from "../scan/scan.ts";
import type { Connection } from "./connection.ts";
import { EarlierHolders, markPerhapsAnothers, perhapsAnothers } from "./earlier-holders.ts";
import type { KnownBadge, RosterLookup } from "./roster-lookup.ts";
import { type StampRow, stampColumns, stampOf, utcColumn } from "./stamp-columns.ts";
import { type DirectionColumn, ruleOf, type WorkerChain } from "./worker-chain.ts";

/** Rows one slice looks at: about 5 ms, so that a badge at the reader never waits long for it. */
export const resolveSliceRows = 1000;

/** What a slice did; `more` when the walk has not come to its end. */
export type ResolvedSlice = {
  readonly resolved: number;
  /** Scans of known badges that stay unknown, for they may be of who held the badge before. */
  readonly anothers: number;
  readonly more: boolean;
};

/** What a slice of reading again did; the next one begins after `afterId`, `null` at the end. */
export type RereadSlice = { readonly reread: number; readonly afterId: number | null };

type ReadRow = {
  readonly id: number;
  readonly readerId: string;
  readonly badgeRaw: string;
  readonly badgeNumber: string;
};

type StrangerRow = StampRow & {
  readonly id: number;
  readonly badgeNumber: string;
  readonly rule: DirectionColumn;
  readonly direction: Direction | null;
  readonly reason: string | null;
};

const columns = `id, badge_number AS badgeNumber, direction_rule AS rule, direction, reason, ${stampColumns("scans")}`;

/**
 * Gives scans of unknown badges their worker once the roster has learnt them.
 *
 * After each change of the roster the scans are walked through once, oldest first and in slices; a scan stored since
 * was looked up in that same roster, so nothing is left to do until the next change.
 */
export class UnknownBadges {
  readonly #connection: Connection;
  readonly #lookup: RosterLookup;
  readonly #earlier: EarlierHolders;
  readonly #chain: WorkerChain;
  readonly #doubleScanMs: number;
  readonly #after: Sqlite.Statement<[number, number], StrangerRow>;
  readonly #ofWorker: Sqlite.Statement<[number], StrangerRow>;
  readonly #read: Sqlite.Statement<[number], ReadRow>;
  readonly #reread: Sqlite.Statement<[string, number]>;
  readonly #keep: Sqlite.Statement<[Direction, string, number, number, number]>;
  readonly #mark: Sqlite.Statement<[string, number]>;
  readonly #drop: Sqlite.Statement<[string, number, number, number]>;
  #walk: { readonly generation: number; readonly afterId: number; readonly done: boolean };

  constructor(connection: Connection, lookup: RosterLookup, chain: WorkerChain, doubleScanMs: number) {
    this.#connection = connection;
    this.#lookup = lookup;
    this.#earlier = new EarlierHolders(connection, lookup);
    this.#chain = chain;
    this.#doubleScanMs = doubleScanMs;
    this.#walk = { generation: -1, afterId: 0, done: false };
    const { db } = connection;
    this.#after = db.prepare(
      `SELECT ${columns} FROM scans INDEXED BY scans_unknown WHERE state = 'unknown-badge' AND id > ? ORDER BY id LIMIT ?`,
    );
    this.#ofWorker = db.prepare(
      `SELECT ${columns} FROM scans INDEXED BY scans_unknown_badge WHERE state = 'unknown-badge' AND badge_number IN (
        SELECT e.badge FROM roster_entries e INDEXED BY roster_of_worker WHERE e.worker_id = +? AND e.superseded_at IS NULL)
      ORDER BY id DESC LIMIT ${resolveSliceRows}`,
    );
    this.#read = db.prepare(
      `SELECT id, reader_id AS readerId, badge_raw AS badgeRaw, badge_number AS badgeNumber
      FROM scans INDEXED BY scans_unknown WHERE state = 'unknown-badge' AND id > ? ORDER BY id LIMIT ${resolveSliceRows}`,
    );
    this.#reread = db.prepare("UPDATE scans SET badge_number = ? WHERE id = ?");
    this.#keep = db.prepare(
      `UPDATE scans SET state = 'waiting', direction = ?, reason = nullif(reason, ?), roster_entry_id = ?, worker_id = ?
      WHERE id = ?`,
    );
    this.#mark = db.prepare(markPerhapsAnothers);
    this.#drop = db.prepare(
      `UPDATE scans SET state = 'double', reason = ?, roster_entry_id = ?, worker_id = ?,
        settled_at = ${utcColumn("scans")}
      WHERE id = ?`,
    );
  }

  /** Whether every stored scan has been looked up in the roster in force. */
  settled(): boolean {
    return this.#walk.done && this.#walk.generation === this.#lookup.generation();
  }

  /** Scans have got their time, and with it who held their badges then. */
  lookAgain(): void {
    this.#walk = { generation: -1, afterId: 0, done: false };
  }

  /**
   * Resolves the latest scans of all badges that a worker holds, inside the caller's transaction: before a new one decides
   * on its past.
   */
  resolveWorker(workerId: number): number {
    let resolved = 0;
    for (const stranger of this.#ofWorker.all(workerId).reverse()) {
      const known = this.#lookup.find(stranger.badgeNumber);
      if (known === undefined || this.#whoseIs(stranger, known) !== "his") continue;
      this.#resolve(stranger, known);
      resolved += 1;
    }
    return resolved;
  }

  /** Resolves at most `limit` scans, oldest first, looking at `resolveSliceRows` at most. */
  resolveSlice(limit: number): ResolvedSlice {
    if (this.settled()) return { resolved: 0, anothers: 0, more: false };
    const slice = this.#connection.transact(() => {
      const generation = this.#lookup.generation();
      const from = this.#walk.generation === generation ? this.#walk.afterId : 0;
      const rows = this.#after.all(from, resolveSliceRows);
      let resolved = 0;
      let anothers = 0;
      let afterId = from;
      for (const row of rows) {
        if (resolved >= limit) break;
        afterId = row.id;
        const known = this.#lookup.find(row.badgeNumber);
        const whose = known === undefined ? "nobodys" : this.#whoseIs(row, known);
        if (whose === "perhaps-anothers") {
          anothers += 1;
          if (stampOf(row).errorBoundMs !== null) this.#mark.run(perhapsAnothers, row.id);
        }
        if (known === undefined || whose !== "his") continue;
        this.#resolve(row, known);
        resolved += 1;
      }
      const done = rows.length < resolveSliceRows && (rows.at(-1)?.id ?? from) === afterId;
      return { resolved, anothers, walk: { generation, afterId, done } };
    });
    // Only after the commit: a walk that was rolled back is walked again.
    this.#walk = slice.walk;
    return { resolved: slice.resolved, anothers: slice.anothers, more: !slice.walk.done };
  }

  /**
   * Works the numbers of `resolveSliceRows` unknown badges out again from what their readers sent, of those that were not
   * understood or are not of the roster's form: a setting may have been corrected since. Those of a reader that is gone stay.
   */
  rereadSlice(readings: readonly BadgeReading[], form: BadgeForm, afterId: number): RereadSlice {
    const rows = this.#read.all(afterId);
    const readingOf = new Map(readings.map((reading) => [reading.id, reading]));
    const changed = rows.flatMap(({ id, readerId, badgeRaw, badgeNumber: before }) => {
      const reading = readingOf.get(readerId);
      // A number that was understood stays: another reader may stand there under the same name since.
      const isUnderstood = !before.startsWith(foreignMark) && normaliseBadge(before, form) === before;
      if (reading === undefined || isUnderstood || this.#lookup.find(before) !== undefined) return [];
      const number = badgeNumber(badgeRaw, reading, form);
      return number.startsWith(foreignMark) || number === before ? [] : [{ id, number }];
    });
    if (changed.length > 0) {
      this.#connection.transact(() => {
        for (const { id, number } of changed) this.#reread.run(number, id);
      });
      this.lookAgain();
    }
    return { reread: changed.length, afterId: rows.length < resolveSliceRows ? null : (rows.at(-1)?.id ?? null) };
  }

  #whoseIs(scan: StrangerRow, known: KnownBadge): "his" | "nobodys" | "perhaps-anothers" {
    const stamp = stampOf(scan);
    if (!heldThen(known, stamp)) return "nobodys";
    const atMs = stamp.errorBoundMs === null ? null : stamp.utcMs;
    const past = { wasHeld: scan.direction !== null, wasAnothers: scan.reason === perhapsAnothers };
    return this.#earlier.mayBeAnothers(scan.badgeNumber, known, atMs, past) ? "perhaps-anothers" : "his";
  }

  #resolve(scan: StrangerRow, known: KnownBadge): void {
    const last = this.#chain.before(known.workerId, scan.id);
    const decision = decide(ruleOf(scan.rule), stampOf(scan), last, this.#doubleScanMs);
    const ofScanId = decision.kind === "double" ? decision.ofScanId : this.#laterOfSameAct(scan, known, decision);
    // A scan that has its direction was decided before: its worker was lost with a damaged database.
    if (ofScanId !== null && scan.direction === null) {
      this.#drop.run(reasonOfDouble(ofScanId), known.entryId, known.workerId, scan.id);
      return;
    }
    const direction = decision.kind === "keep" ? decision.direction : null;
    this.#keep.run(
      present(scan.direction ?? direction, "a scan that is no double has a direction"),
      perhapsAnothers,
      known.entryId,
      known.workerId,
      scan.id,
    );
    this.#chain.insert(known.workerId, scan.id);
  }

  /**
   * Whoever was shown that his badge is unknown, and took his other one at once, made one act: the scan that he was told
   * is recorded, and which may be registered by now, is the one that counts.
   */
  #laterOfSameAct(
    scan: StrangerRow,
    { workerId }: KnownBadge,
    { direction }: Extract<Decision, { kind: "keep" }>,
  ): number | null {
    const next = this.#chain.after(workerId, scan.id);
    if (next === null || next.direction === null) return null;
    // One of which nobody knows the time, or that was refused, waits for a person: this one can be sent.
    if (next.isBracket || this.#chain.isRefused(next.id)) return null;
    const rule = { kind: "fixed", direction: next.direction } as const;
    const moment = { ...next, monotonicNs: monotonicNs(next.monotonicNs) };
    const stranger = { ...stampOf(scan), id: scan.id, direction, isBracket: scan.how === "bracket" };
    return decide(rule, moment, stranger, this.#doubleScanMs).kind === "double" ? next.id : null;
  }
}

/**
 * Whether who holds the badge now held it then, as far as the roster has dates: a badge that somebody left behind goes to
 * the next, and what was badged before must never become the registration of someone else. What a clock says that nothing
 * proves is no day of his: it may have run ahead. The scan is not sent before its time is proven, and is looked at again
 * then. Of a bracket its middle counts, which is sent if a person says so.
 */
function heldThen({ validFrom, validUntil }: KnownBadge, { how, utcMs, earliestMs, latestMs }: Stamp): boolean {
  if (validFrom === null && validUntil === null) return true;
  if (earliestMs === null || latestMs === null) return false;
  const dates = (how === "bracket" ? [utcMs] : [earliestMs, latestMs]).map(belgianDate);
  return dates.every(
    (date) => (validFrom === null || validFrom <= date) && (validUntil === null || date <= validUntil),
  );
}

function belgianDate(at: WallMs): string {
  return zonedText(at, belgianZone).slice(0, 10);
}

export function reasonOfDouble(ofScanId: number): string {
  return `double of scan ${ofScanId}`;
}
