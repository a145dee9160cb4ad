import type Sqlite from "better-sqlite3";
import { type WallMs, wallMs } from "../base/time.ts";
import type { KeptRemark, RemarkFilter, RemarkMark } from "../forward/follow-up/remark-archive.ts";
import type { Connection } from "./connection.ts";

/** Remarks in one list. */
export const remarksListMax = 10_000;

/** Longer than any web form's deadline, whatever the zone: 30 days, the day of the registration, and one to spare. */
export const remarkKeepMinMs: number = 32 * 24 * 60 * 60 * 1000;

type RemarkRow = {
  readonly remarkId: number;
  readonly scanId: number;
  readonly registrationId: string;
  readonly workerReference: string | null;
  readonly registeredMs: number;
  readonly code: number | null;
  readonly text: string;
  readonly firstSeen: number;
  readonly goneAt: number | null;
  readonly markKind: RemarkMark["kind"] | null;
  readonly markedAt: number | null;
  readonly note: string | null;
};

const selectRemarks = `SELECT r.id AS remarkId, r.scan_id AS scanId, r.registration_id AS registrationId,
  r.reference AS workerReference, r.registered_ms AS registeredMs, r.code, r.text, r.first_seen AS firstSeen,
  r.gone_at AS goneAt, m.kind AS markKind, m.marked_at AS markedAt, m.note
  FROM remarks r LEFT JOIN remark_marks m
    ON m.id = (SELECT max(l.id) FROM remark_marks l INDEXED BY remark_marks_remark WHERE l.remark_id = r.id)`;

/** Remarks as people see them, and what they say of them. */
export class RemarkTable {
  readonly #connection: Connection;
  readonly #show: Sqlite.Statement<[number], RemarkRow>;
  readonly #marks: Sqlite.Statement<
    [number],
    { readonly at: number; readonly kind: RemarkMark["kind"]; readonly note: string }
  >;
  readonly #mark: Sqlite.Statement<[number, number, RemarkMark["kind"], string]>;
  readonly #erasable: Sqlite.Statement<[number, number, number], number>;
  readonly #erase: Sqlite.Statement<[number]>;
  readonly #eraseFollowUps: Sqlite.Statement<[number, number]>;

  constructor(connection: Connection) {
    this.#connection = connection;
    const { db } = connection;
    this.#show = db.prepare(`${selectRemarks} WHERE r.id = ?`);
    this.#marks = db.prepare(
      `SELECT marked_at AS at, kind, note FROM remark_marks INDEXED BY remark_marks_remark
      WHERE remark_id = ? ORDER BY id`,
    );
    this.#mark = db.prepare("INSERT INTO remark_marks (remark_id, marked_at, kind, note) VALUES (?, ?, ?, ?)");
    // The newest row stays, so that no number is given twice.
    this.#erasable = db
      .prepare<[number, number, number], number>(
        `SELECT id FROM remarks WHERE registered_ms < ? AND first_seen < ? AND id < (SELECT max(id) FROM remarks)
        ORDER BY id LIMIT ?`,
      )
      .pluck();
    this.#erase = db.prepare("DELETE FROM remarks WHERE id = ?");
    this.#eraseFollowUps = db.prepare(
      "DELETE FROM follow_ups WHERE id IN (SELECT id FROM follow_ups WHERE created_at < ? ORDER BY id LIMIT ?)",
    );
  }

  list({ openOnly, seenFrom, codes, registeredFrom, newestFirst, limit }: RemarkFilter): readonly KeptRemark[] {
    const conditions = [
      ...(openOnly ? ["r.gone_at IS NULL AND m.kind IS NOT 'done'"] : []),
      ...(seenFrom === null ? [] : ["(r.first_seen >= ? OR (m.kind = 'undone' AND m.marked_at >= ?))"]),
      ...(codes === undefined ? [] : ["r.code IN (SELECT value FROM json_each(?))"]),
      ...(registeredFrom === undefined ? [] : ["r.registered_ms >= ?"]),
    ];
    const order = newestFirst === true ? "DESC" : "ASC";
    const given = [
      ...(seenFrom === null ? [] : [Math.floor(seenFrom), Math.floor(seenFrom)]),
      ...(codes === undefined ? [] : [JSON.stringify(codes)]),
      ...(registeredFrom === undefined ? [] : [Math.floor(registeredFrom)]),
    ];
    const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
    return this.#connection.db
      .prepare<unknown[], RemarkRow>(
        `${selectRemarks} ${where} ORDER BY r.registered_ms ${order}, r.id ${order} LIMIT ?`,
      )
      .all(...given, Math.min(Math.max(0, limit), remarksListMax))
      .map(keptOf);
  }

  show(remarkId: number): { readonly remark: KeptRemark; readonly marks: readonly RemarkMark[] } | null {
    const row = this.#show.get(remarkId);
    if (row === undefined) return null;
    const marks = this.#marks.all(remarkId).map(({ at, ...mark }) => ({ ...mark, at: wallMs(at) }));
    return { remark: keptOf(row), marks };
  }

  mark(remarkId: number, { at, kind, note }: RemarkMark): boolean {
    return this.#connection.transact(() => {
      if (this.#show.get(remarkId) === undefined) return false;
      this.#mark.run(remarkId, Math.floor(at), kind, note);
      return true;
    });
  }

  /**
   * Erases at most `limit` remarks whose last day is past, and registrations that nobody follows any more. Inside a
   * transaction of the caller.
   */
  erase(now: WallMs, keepSettledMs: number, limit: number): number {
    const before = Math.floor(now - Math.max(remarkKeepMinMs, keepSettledMs));
    const ids = this.#erasable.all(before, before, limit);
    for (const id of ids) this.#erase.run(id);
    return Math.max(ids.length, this.#eraseFollowUps.run(before, limit).changes);
  }
}

function keptOf({ registeredMs, firstSeen, goneAt, markKind, markedAt, note, ...row }: RemarkRow): KeptRemark {
  return {
    ...row,
    registeredAt: wallMs(registeredMs),
    firstSeen: wallMs(firstSeen),
    goneAt: goneAt === null ? null : wallMs(goneAt),
    doneAt: markKind === "done" && markedAt !== null ? wallMs(markedAt) : null,
    note: note ?? "",
  };
}
