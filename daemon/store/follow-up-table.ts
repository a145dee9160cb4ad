import type Sqlite from "better-sqlite3";
import { type WallMs, wallMs } from "../base/time.ts";
import type {
  FollowCounts,
  FollowEnding,
  FollowedRegistration,
  FollowOrder,
  KeptLook,
} from "../forward/follow-up/follow-up.ts";
import type { Remark } from "../forward/queue.ts";
import type { Direction, PlaceOfWork } from "../scan/scan.ts";
import type { Connection } from "./connection.ts";
import type { WorkSites } from "./work-sites.ts";

/** Registrations handed out at once. */
export const followUpsMax = 100;

/** No look is put off longer than this: one further away was written before the clock was set back. */
export const lookPutOffMaxMs: number = 36 * 60 * 60 * 1000;

type FollowRow = {
  readonly scanId: number;
  readonly registrationId: string;
  readonly registeredMs: number;
  readonly sentAt: number | null;
  readonly answeredAt: number | null;
  readonly createdAt: number;
  readonly looks: number;
  readonly settledAt: number | null;
  /** Of its scan; `null` once that is erased. */
  readonly ssin: string | null;
  readonly direction: Direction | null;
  readonly workSiteId: number | null;
};

/** Registrations that are followed, and the remarks that a look brings. */
export class FollowUpTable {
  readonly #connection: Connection;
  readonly #sites: WorkSites;
  readonly #due: Readonly<Record<FollowOrder, Sqlite.Statement<[number, number, number], FollowRow>>>;
  readonly #counts: Sqlite.Statement<[], { readonly ending: FollowEnding | null; readonly rows: number }>;
  readonly #keep: Sqlite.Statement<[number, string, number | null, number | null, FollowEnding | null, number, string]>;
  readonly #validity: Sqlite.Statement<[string, number]>;
  readonly #known: Sqlite.Statement<
    [number],
    { readonly id: number; readonly code: number | null; readonly text: string }
  >;
  readonly #add: Sqlite.Statement<[number | null, string, number, number]>;
  readonly #back: Sqlite.Statement<[number]>;
  readonly #reopen: Sqlite.Statement<[number, number, number]>;
  readonly #gone: Sqlite.Statement<[number, number]>;

  constructor(connection: Connection, sites: WorkSites) {
    this.#connection = connection;
    this.#sites = sites;
    const { db } = connection;
    const columns = `f.id AS scanId, f.registration_id AS registrationId, f.registered_ms AS registeredMs,
      f.sent_at AS sentAt, f.answered_at AS answeredAt, f.created_at AS createdAt, f.looks, f.settled_at AS settledAt,
      w.ssin, s.direction, s.work_site_id AS workSiteId`;
    const whole = `LEFT JOIN scans s ON s.id = f.id AND s.registration_id = f.registration_id
      LEFT JOIN workers w ON w.id = s.worker_id`;
    const due = (what: string): string => `SELECT ${what} FROM follow_ups INDEXED BY follow_ups_due WHERE next_at <= ?
        UNION ALL
        SELECT ${what} FROM follow_ups INDEXED BY follow_ups_due WHERE next_at > ? + ${lookPutOffMaxMs}`;
    this.#due = {
      "longest-due": db.prepare(`SELECT ${columns} FROM (${due("*")}) f ${whole} ORDER BY f.next_at, f.id LIMIT ?`),
      newest: db.prepare(
        `SELECT ${columns} FROM (${due("id")} ORDER BY id DESC LIMIT ?) d JOIN follow_ups f ON f.id = d.id ${whole}
        ORDER BY f.id DESC`,
      ),
    };
    this.#counts = db.prepare("SELECT ending, count(*) AS rows FROM follow_ups GROUP BY ending");
    this.#keep = db.prepare(
      `UPDATE follow_ups SET looks = looks + 1, looked_at = ?, last_look = ?, settled_at = ?, next_at = ?, ending = ?
      WHERE id = ? AND registration_id = ?`,
    );
    this.#validity = db.prepare(`UPDATE scans SET validity = ? WHERE id = ? AND state = 'registered'
      AND registration_id = (SELECT f.registration_id FROM follow_ups f WHERE f.id = scans.id)`);
    this.#known = db.prepare("SELECT id, code, text FROM remarks INDEXED BY remarks_once WHERE scan_id = ?");
    this.#add = db.prepare(
      `INSERT OR IGNORE INTO remarks (scan_id, registration_id, registered_ms, reference, code, text, first_seen)
      SELECT id, registration_id, registered_ms, reference, ?, ?, ? FROM follow_ups WHERE id = ?`,
    );
    this.#back = db.prepare("UPDATE remarks SET gone_at = NULL WHERE id = ? AND gone_at IS NOT NULL");
    this.#reopen = db.prepare(
      `INSERT INTO remark_marks (remark_id, marked_at, kind, note)
      SELECT ?, ?, 'undone', 'the service raises it again' WHERE 'done' =
        (SELECT m.kind FROM remark_marks m INDEXED BY remark_marks_remark WHERE m.remark_id = ? ORDER BY m.id DESC LIMIT 1)`,
    );
    this.#gone = db.prepare("UPDATE remarks SET gone_at = ? WHERE id = ? AND gone_at IS NULL");
  }

  due(now: WallMs, limit: number, order: FollowOrder = "longest-due"): readonly FollowedRegistration[] {
    const rows = this.#due[order].all(Math.floor(now), Math.floor(now), Math.min(Math.max(0, limit), followUpsMax));
    return rows.map(
      ({ registeredMs, sentAt, answeredAt, createdAt, settledAt, ssin, direction, workSiteId, ...row }) => ({
        ...row,
        sent: ssin === null || direction === null ? null : { ssin, direction, place: this.#placeOf(workSiteId) },
        registeredAt: wallMs(registeredMs),
        sentAt: wallOrNull(sentAt),
        answeredAt: wallOrNull(answeredAt),
        createdAt: wallMs(createdAt),
        settledAt: wallOrNull(settledAt),
      }),
    );
  }

  keep(look: KeptLook): readonly Remark[] {
    const { scanId, registrationId, validity, remarks, settledAt, next } = look;
    const at = Math.floor(look.at);
    const nextAt = next.kind === "at" ? Math.ceil(next.at) : null;
    return this.#connection.transact(() => {
      const ending = next.kind === "ended" ? next.how : null;
      const settled = settledAt === null ? null : Math.floor(settledAt);
      const kept = this.#keep.run(at, look.kind, settled, nextAt, ending, scanId, registrationId);
      // The database was replaced since the look began: this scan is another one, or none.
      if (kept.changes === 0) return [];
      if (validity !== null) this.#validity.run(validity, scanId);
      return remarks === null ? [] : this.#compare(scanId, remarks, at);
    });
  }

  #placeOf(workSiteId: number | null): PlaceOfWork | null {
    return workSiteId === null ? null : (this.#sites.read(workSiteId)?.place ?? null);
  }

  counts(): FollowCounts {
    const rows = this.#counts.all();
    const of = (ending: FollowEnding | null): number => rows.find((row) => row.ending === ending)?.rows ?? 0;
    return { followed: of(null), settled: of("settled"), givenUp: of("given-up") };
  }

  /**
   * A remark that the service no longer raises stays, marked; one that it raises again is open again, whatever was said
   * of it before.
   *
   * @returns what is new, or open again
   */
  #compare(scanId: number, remarks: readonly Remark[], at: number): readonly Remark[] {
    const known = this.#known.all(scanId);
    const fresh: Remark[] = [];
    const raised = new Set<number>();
    for (const remark of remarks) {
      const same = known.find(({ code, text }) => code === remark.code && (code !== null || text === remark.text));
      if (same === undefined) {
        if (this.#add.run(remark.code, remark.text, at, scanId).changes === 1) fresh.push(remark);
      } else {
        raised.add(same.id);
        if (this.#back.run(same.id).changes === 0) continue;
        this.#reopen.run(same.id, at, same.id);
        fresh.push(remark);
      }
    }
    for (const { id } of known) if (!raised.has(id)) this.#gone.run(at, id);
    return fresh;
  }
}

function wallOrNull(value: number | null): WallMs | null {
  return value === null ? null : wallMs(value);
}
