import type Sqlite from "better-sqlite3";
import { type MonotonicNs, monotonicNs, type WallMs } from "../base/time.ts";
import { type Anchor, utcAt } from "../clock/anchor.ts";
import type { DisciplineChange } from "../clock/discipline.ts";
import type { ServiceTime } from "../clock/service-clock.ts";
import type { TimeBreak } from "../clock/stamping.ts";
import type { ClockEvent } from "../clock/step-watch.ts";
import { anchorFrom, type BootSeen, type Synchronisation } from "../clock/synchronisation.ts";
import { floorMs, type UtcNs, utcNs } from "../clock/utc.ts";
import type { Connection } from "./connection.ts";

/** 64-bit values as they are, so that nothing is lost to a double. */
type AnchorRow = {
  readonly syncId: string;
  readonly bootId: string;
  readonly basis: Anchor["basis"];
  readonly atNs: bigint;
  readonly thetaNs: bigint;
  readonly boundNs: bigint;
  readonly oldestSampleNs: bigint;
  readonly leapAnnounced: bigint;
};

/** As JSON holds it: 64-bit values are text. */
type WithTexts<T> = T extends unknown ? { readonly [K in keyof T]: T[K] extends MonotonicNs ? string : T[K] } : never;

const anchorColumns = `sync_id AS syncId, boot_id AS bootId, basis, at_ns AS atNs, theta_ns AS thetaNs, bound_ns AS boundNs,
  oldest_sample_ns AS oldestSampleNs, leap_announced AS leapAnnounced`;

/** The clock's history: what every stamp can be recomputed from. Only ever added to. */
export class ClockTable {
  readonly #connection: Connection;
  readonly #bootSeen: Sqlite.Statement<[string], { readonly atNs: bigint; readonly sleptMs: number | null }>;
  readonly #seeBoot: Sqlite.Statement<[string, bigint, number | null]>;
  readonly #addSync: Sqlite.Statement<unknown[]>;
  readonly #addEvent: Sqlite.Statement<unknown[]>;
  readonly #latest: Sqlite.Statement<[number], AnchorRow>;
  readonly #nearBefore: Sqlite.Statement<[string, bigint], AnchorRow>;
  readonly #nearAfter: Sqlite.Statement<[string, bigint], AnchorRow>;
  readonly #breaks: Sqlite.Statement<[string], string>;
  readonly #lastProof: Sqlite.Statement<[string], AnchorRow>;
  readonly #nextBoot: Sqlite.Statement<[string, string], AnchorRow>;

  constructor(connection: Connection) {
    this.#connection = connection;
    const { db } = connection;
    this.#bootSeen = db
      .prepare<[string], { atNs: bigint; sleptMs: number | null }>(
        "SELECT seen_ns AS atNs, slept_ms AS sleptMs FROM boots WHERE boot_id = ?",
      )
      .safeIntegers();
    this.#seeBoot = db.prepare(
      `INSERT INTO boots (boot_id, seen_ns, slept_ms) VALUES (?, ?, ?)
      ON CONFLICT (boot_id) DO UPDATE SET seen_ns = excluded.seen_ns, slept_ms = excluded.slept_ms`,
    );
    this.#addSync = db.prepare(
      `INSERT INTO clock_syncs (sync_id, boot_id, at_ns, recorded_at, basis, theta_ns, bound_ns, oldest_sample_ns,
        leap_announced, trusted, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#addEvent = db.prepare(
      "INSERT INTO clock_events (boot_id, at_ns, recorded_at, kind, content) VALUES (?, ?, ?, ?, ?)",
    );
    const anchors = <P extends unknown[]>(condition: string): Sqlite.Statement<P, AnchorRow> =>
      db.prepare<P, AnchorRow>(`SELECT ${anchorColumns} FROM clock_syncs ${condition}`).safeIntegers();
    this.#latest = anchors("WHERE trusted = 1 AND basis = 'quorum' ORDER BY id DESC LIMIT ?");
    const near = "INDEXED BY clock_syncs_trusted WHERE trusted = 1 AND boot_id = ? AND at_ns";
    this.#nearBefore = anchors(`${near} <= ? ORDER BY at_ns DESC LIMIT 4`);
    this.#nearAfter = anchors(`${near} > ? ORDER BY at_ns LIMIT 4`);
    this.#breaks = db
      .prepare<[string], string>(
        `SELECT content FROM clock_events INDEXED BY clock_events_breaks
        WHERE (kind = 'suspend' OR kind = 'contradiction') AND boot_id = ?`,
      )
      .pluck();
    this.#lastProof = anchors(
      `WHERE trusted = 1 AND boot_id IN (SELECT boot_id FROM boots WHERE id < (SELECT id FROM boots WHERE boot_id = ?))
      ORDER BY id DESC LIMIT 1`,
    );
    // A boot that the list of boots has lost began before the present one: nothing more is known.
    this.#nextBoot = anchors(
      `JOIN boots USING (boot_id) WHERE trusted = 1 AND boots.id > coalesce((SELECT id FROM boots WHERE boot_id = ?),
        (SELECT max(id) - 1 FROM boots WHERE boot_id <> ?)) ORDER BY boots.id, at_ns LIMIT 1`,
    );
  }

  bootSeen(bootId: string): BootSeen | null {
    const seen = this.#bootSeen.get(bootId);
    return seen === undefined ? null : { atNs: monotonicNs(seen.atNs), sleptMs: seen.sleptMs };
  }

  seeBoot(bootId: string, { atNs, sleptMs }: BootSeen): void {
    this.#connection.transact(() => this.#seeBoot.run(bootId, atNs, sleptMs));
  }

  /** @param now when nothing proves the time of the row itself */
  recordSynchronisation(row: Synchronisation, trusted: boolean, now: WallMs): void {
    this.#record(row, anchorFrom(row), trusted, row, now);
  }

  recordServiceTime({ anchor, answers }: ServiceTime, now: WallMs): void {
    this.#record(anchor, anchor, true, { answers }, now);
  }

  recordEvent(bootId: string, event: ClockEvent, now: WallMs): void {
    this.#event(bootId, event.atNs, event.kind, event, now);
  }

  recordChange(bootId: string, atNs: MonotonicNs, change: DisciplineChange, now: WallMs): void {
    this.#event(bootId, atNs, "change", change, now);
  }

  /** The last `limit` trusted quorums of any boot, oldest first. */
  anchors(limit: number): readonly Anchor[] {
    return this.#latest.all(limit).map(anchorOf).reverse();
  }

  lastTrusted(): UtcNs | null {
    const [last] = this.anchors(1);
    return last === undefined ? null : utcAt(last, last.atNs);
  }

  /** The nearest trusted anchors of a boot around a moment. */
  anchorsNear(bootId: string, atNs: MonotonicNs): readonly Anchor[] {
    return [...this.#nearBefore.all(bootId, atNs), ...this.#nearAfter.all(bootId, atNs)].map(anchorOf);
  }

  breaksOf(bootId: string): readonly TimeBreak[] {
    return this.#breaks.all(bootId).map((content) => {
      const { sinceNs, atNs, ...event } = JSON.parse(content) as WithTexts<TimeBreak>;
      return { ...event, sinceNs: monotonicNs(BigInt(sinceNs)), atNs: monotonicNs(BigInt(atNs)) };
    });
  }

  /** The earliest that the last anchor before a boot allows; `null` when there is none. */
  lastProofBefore(bootId: string): UtcNs | null {
    const row = this.#lastProof.get(bootId);
    return row === undefined ? null : utcNs(row.atNs + row.thetaNs - row.boundNs);
  }

  /** The first anchor of the first later boot that has one; `null` when there is none yet. */
  firstAnchorAfter(bootId: string): Anchor | null {
    const row = this.#nextBoot.get(bootId, bootId);
    return row === undefined ? null : anchorOf(row);
  }

  #record(
    key: { readonly syncId: string; readonly bootId: string; readonly atNs: MonotonicNs },
    anchor: Anchor | null,
    trusted: boolean,
    content: object,
    now: WallMs,
  ): void {
    this.#connection.transact(() =>
      this.#addSync.run(
        key.syncId,
        key.bootId,
        key.atNs,
        anchor === null ? Math.floor(now) : floorMs(utcAt(anchor, key.atNs)),
        anchor?.basis ?? null,
        anchor?.thetaNs ?? null,
        anchor?.boundNs ?? null,
        anchor?.oldestSampleNs ?? null,
        anchor === null ? null : Number(anchor.leapAnnounced),
        Number(trusted),
        jsonOf(content),
      ),
    );
  }

  #event(bootId: string, atNs: MonotonicNs, kind: string, content: object, now: WallMs): void {
    this.#connection.transact(() => this.#addEvent.run(bootId, atNs, Math.floor(now), kind, jsonOf(content)));
  }
}

function anchorOf(row: AnchorRow): Anchor {
  return {
    syncId: row.syncId,
    bootId: row.bootId,
    basis: row.basis,
    atNs: monotonicNs(row.atNs),
    thetaNs: row.thetaNs,
    boundNs: row.boundNs,
    oldestSampleNs: monotonicNs(row.oldestSampleNs),
    leapAnnounced: row.leapAnnounced === 1n,
  };
}

/** Integers that pass 2⁵³ as text, maps as objects. */
function jsonOf(content: object): string {
  return JSON.stringify(content, (_key, value: unknown) => {
    if (typeof value === "bigint") return String(value);
    return value instanceof Map ? Object.fromEntries(value) : value;
  });
}
