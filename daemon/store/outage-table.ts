import type Sqlite from "better-sqlite3";
import { monotonicNs, type WallMs, wallMs } from "../base/time.ts";
import type { Heartbeat, KeptWindow, ListedWindow, OutageEntry, WindowFilter } from "../outage/outage-store.ts";
import type { OutageWindow } from "../outage/windows.ts";
import type { Connection } from "./connection.ts";
import { utcColumn } from "./stamp-columns.ts";

/** Windows in one list. */
export const outagesMax = 1000;

type WindowRow = { readonly windowId: number; readonly content: string; readonly otherChannelWorked: number };

const windowColumns = `id AS windowId, content, EXISTS (SELECT 1 FROM outage_entries e
  WHERE e.window_id = outage_windows.id AND json_extract(e.content, '$.worked') = 1) AS otherChannelWorked`;

/** Outage windows and what was added to them. */
export class OutageTable {
  readonly #connection: Connection;
  readonly #save: Sqlite.Statement<[string, number, number | null, string]>;
  readonly #keepSettledMs: number;
  readonly #open: Sqlite.Statement<[], string>;
  readonly #list: Sqlite.Statement<[number, number, number], WindowRow>;
  readonly #show: Sqlite.Statement<[number], WindowRow>;
  readonly #entries: Sqlite.Statement<
    [number],
    { readonly entryId: number; readonly at: number; readonly content: string }
  >;
  readonly #add: Sqlite.Statement<[number, number, string]>;
  readonly #scans: Sqlite.Statement<[number, number, number], { readonly delayed: number; readonly withheld: number }>;
  readonly #firstAfter: Sqlite.Statement<[number], number | null>;
  readonly #beat: Sqlite.Statement<[string]>;
  readonly #lastBeat: Sqlite.Statement<[], string>;

  /** @param keepSettledMs as in the settings of the store: scans registered longer ago may have been erased */
  constructor(connection: Connection, keepSettledMs: number) {
    this.#connection = connection;
    this.#keepSettledMs = keepSettledMs;
    const { db } = connection;
    this.#save = db.prepare(
      `INSERT INTO outage_windows (key, began_ms, ended_ms, content) VALUES (?, ?, ?, ?)
      ON CONFLICT (key) DO UPDATE SET began_ms = excluded.began_ms, ended_ms = excluded.ended_ms, content = excluded.content`,
    );
    this.#open = db
      .prepare<[], string>(
        "SELECT content FROM outage_windows INDEXED BY outage_windows_open WHERE ended_ms IS NULL ORDER BY id DESC LIMIT 1",
      )
      .pluck();
    this.#list = db.prepare(
      `SELECT ${windowColumns} FROM outage_windows WHERE began_ms < ? AND (coalesce(ended_ms, began_ms) >= ? OR id = (
        SELECT max(id) FROM outage_windows INDEXED BY outage_windows_open WHERE ended_ms IS NULL))
      ORDER BY began_ms DESC, id DESC LIMIT ?`,
    );
    this.#show = db.prepare(`SELECT ${windowColumns} FROM outage_windows WHERE id = ?`);
    this.#entries = db.prepare(
      "SELECT id AS entryId, added_at AS at, content FROM outage_entries WHERE window_id = ? ORDER BY id",
    );
    this.#add = db.prepare("INSERT INTO outage_entries (window_id, added_at, content) VALUES (?, ?, ?)");
    this.#scans = db.prepare(
      `SELECT count(*) FILTER (WHERE state = 'registered' AND settled_at >= ?) AS delayed,
        count(*) FILTER (WHERE state = 'withheld') AS withheld
      FROM scans WHERE ${utcColumn("scans")} BETWEEN ? AND ?`,
    );
    this.#firstAfter = db
      .prepare<[number], number | null>(
        "SELECT min(settled_at) FROM scans INDEXED BY scans_registered WHERE state = 'registered' AND settled_at >= ?",
      )
      .pluck();
    this.#beat = db.prepare("INSERT OR REPLACE INTO heartbeat (id, content) VALUES (1, ?)");
    this.#lastBeat = db.prepare<[], string>("SELECT content FROM heartbeat").pluck();
  }

  save(window: OutageWindow, heartbeat?: Heartbeat): void {
    const endedMs = window.end === null ? null : Math.ceil(window.end.firstGood.utcMs);
    this.#connection.transact(() => {
      this.#save.run(window.key, Math.floor(window.firstBad.utcMs), endedMs, textOf(window));
      if (heartbeat !== undefined) this.#beat.run(textOf(heartbeat));
    });
  }

  open(): OutageWindow | null {
    const content = this.#open.get();
    return content === undefined ? null : (fromText(content) as OutageWindow);
  }

  list({ from, to, limit }: WindowFilter): readonly ListedWindow[] {
    return this.#list
      .all(to ?? Number.MAX_SAFE_INTEGER, from ?? 0, Math.min(Math.max(0, limit), outagesMax))
      .map(listedOf);
  }

  /** @param now tells which scans may have been erased */
  show(windowId: number, now: WallMs): KeptWindow | null {
    const row = this.#show.get(windowId);
    if (row === undefined) return null;
    const listed = listedOf(row);
    const { window } = listed;
    const entries = this.#entries.all(windowId).map(({ entryId, at, content }) => ({
      entryId,
      at: wallMs(at),
      entry: fromText(content) as OutageEntry,
    }));
    const endMs = window.end === null ? null : Math.ceil(window.end.firstGood.utcMs);
    const until = endMs ?? Number.MAX_SAFE_INTEGER;
    // The scan whose call found the outage was stamped before the first look that failed.
    const { utcMs: fromMs } = window.lastGood ?? window.firstBad;
    const counted = this.#scans.get(until, Math.floor(fromMs), until);
    const keptSince = now - this.#keepSettledMs;
    const first = endMs === null || endMs < keptSince ? null : (this.#firstAfter.get(endMs) ?? null);
    return {
      ...listed,
      entries,
      delayed: fromMs < keptSince ? null : (counted?.delayed ?? 0),
      withheld: counted?.withheld ?? 0,
      firstRegisteredAfter: first === null ? null : wallMs(first),
    };
  }

  add(windowId: number, entry: OutageEntry, now: WallMs): boolean {
    return this.#connection.transact(() => {
      if (this.#show.get(windowId) === undefined) return false;
      this.#add.run(windowId, Math.floor(now), textOf(entry));
      return true;
    });
  }

  beat(heartbeat: Heartbeat): void {
    this.#connection.transact(() => this.#beat.run(textOf(heartbeat)));
  }

  lastBeat(): Heartbeat | null {
    const content = this.#lastBeat.get();
    return content === undefined ? null : (fromText(content) as Heartbeat);
  }
}

function listedOf({ windowId, content, otherChannelWorked }: WindowRow): ListedWindow {
  return { windowId, window: fromText(content) as OutageWindow, otherChannelWorked: otherChannelWorked === 1 };
}

/** Monotonic time passes 2⁵³ ns in 104 days, and is kept as text. */
function textOf(content: object): string {
  return JSON.stringify(content, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}

function fromText(content: string): unknown {
  return JSON.parse(content, (key, value: unknown) =>
    key === "monotonicNs" && typeof value === "string" ? monotonicNs(BigInt(value)) : value,
  );
}
