import type Sqlite from "better-sqlite3";
import { present } from "../base/assert.ts";
import { wallMs } from "../base/time.ts";
import type { WebhookScan, WebhookSkip } from "../forward/webhook/cursor.ts";
import type { Connection } from "./connection.ts";
import { errorBoundColumn, utcColumn } from "./stamp-columns.ts";

/** Scans handed out at once. */
export const webhookMaxScans = 1000;

type Skip = { readonly scanId: number; readonly reason: string };

type WebhookRow = Omit<WebhookScan, "utcMs"> & { readonly utcMs: number };

/** The place each webhook has come to among the scans in the order they were stored. */
export class WebhookTable {
  readonly #connection: Connection;
  readonly #cursor: Sqlite.Statement<[string], number>;
  readonly #add: Sqlite.Statement<[string]>;
  readonly #scans: Sqlite.Statement<[number, number], WebhookRow>;
  readonly #move: Sqlite.Statement<[number, string]>;
  readonly #skip: Sqlite.Statement<[string, number, string]>;
  readonly #skips: Sqlite.Statement<[number], WebhookSkip>;
  readonly #targets: Sqlite.Statement<[], string>;
  readonly #forget: Sqlite.Statement<[string]>;
  readonly #slowest: Sqlite.Statement<[], number | null>;

  constructor(connection: Connection) {
    this.#connection = connection;
    const { db } = connection;
    this.#cursor = db.prepare<[string], number>("SELECT cursor FROM webhook_targets WHERE name = ?").pluck();
    this.#add = db.prepare("INSERT INTO webhook_targets (name) VALUES (?) ON CONFLICT DO NOTHING");
    this.#scans = db.prepare(
      `SELECT s.id AS scanId, s.reader_id AS readerId, s.badge_number AS badgeNumber, e.reference AS workerReference,
        s.direction, ${utcColumn("s")} AS utcMs, ${errorBoundColumn("s")} AS errorBoundMs, s.state
      FROM scans s LEFT JOIN roster_entries e ON e.id = s.roster_entry_id WHERE s.id > +? ORDER BY s.id LIMIT ?`,
    );
    this.#move = db.prepare("UPDATE webhook_targets SET cursor = max(cursor, ?) WHERE name = ?");
    this.#skip = db.prepare("INSERT INTO webhook_skips (target, scan_id, reason) VALUES (?, ?, ?)");
    this.#skips = db.prepare("SELECT target, reason FROM webhook_skips WHERE scan_id = ? ORDER BY id");
    this.#targets = db.prepare<[], string>("SELECT name FROM webhook_targets").pluck();
    this.#forget = db.prepare("DELETE FROM webhook_targets WHERE name = ?");
    this.#slowest = db.prepare<[], number | null>("SELECT min(cursor) FROM webhook_targets").pluck();
  }

  next(target: string, limit: number): readonly WebhookScan[] {
    const cursor = this.#cursor.get(target) ?? this.#introduce(target);
    const rows = this.#scans.all(cursor, Math.min(limit, webhookMaxScans));
    return rows.map((row) => ({ ...row, utcMs: wallMs(row.utcMs) }));
  }

  /** A cursor never moves back. */
  advance(target: string, scanId: number, skipped: Skip | null): void {
    this.#connection.transact(() => {
      this.#add.run(target);
      this.#move.run(scanId, target);
      if (skipped !== null) this.#skip.run(target, skipped.scanId, skipped.reason);
    });
  }

  skips(scanId: number): readonly WebhookSkip[] {
    return this.#skips.all(scanId);
  }

  /** Forgets targets that are no longer configured, so that a cursor nobody moves does not hold scans back for ever. */
  retain(targets: readonly string[]): void {
    this.#connection.transact(() => {
      for (const known of this.#targets.all()) if (!targets.includes(known)) this.#forget.run(known);
      for (const target of targets) this.#add.run(target);
    });
  }

  /** The scan up to which every target has come; `null` when there is none. */
  slowestCursor(): number | null {
    return this.#slowest.get() ?? null;
  }

  #introduce(target: string): number {
    this.#connection.transact(() => this.#add.run(target));
    return present(this.#cursor.get(target), "a target has a cursor once it was introduced");
  }
}
