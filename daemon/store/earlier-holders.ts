import type Sqlite from "better-sqlite3";
import type { WallMs } from "../base/time.ts";
import type { Connection } from "./connection.ts";
import type { KnownBadge, RosterLookup } from "./roster-lookup.ts";

type Earlier = { readonly badge: string; readonly untilMs: number };

/** Stands as the reason of a scan that stays unknown, where a person looks for it. */
export const perhapsAnothers =
  "who held the badge before may have badged with it still; valid_from in the roster says since when its holder has it";

/**
 * A scan that was called another's once stays so when the clean-up has erased him and nothing shows it any more: then
 * `valid_from` alone settles it.
 */
export const markPerhapsAnothers = "UPDATE scans SET reason = ? WHERE id = ? AND reason IS NULL AND direction IS NULL";

/**
 * Before entries of the roster are erased: who had a badge last, and may have badged after he lost it, is then forgotten.
 * `@entries` are their ids, as JSON.
 */
export const markBeforeErasing = `UPDATE scans SET reason = @reason WHERE id IN (
  SELECT s.id FROM json_each(@entries) j CROSS JOIN roster_entries o ON o.id = j.value
    CROSS JOIN scans s INDEXED BY scans_unknown_badge ON s.state = 'unknown-badge' AND s.badge_number = o.badge
  WHERE s.reason IS NULL AND s.direction IS NULL
    AND NOT EXISTS (SELECT 1 FROM roster_entries e INDEXED BY roster_of_worker
      WHERE e.worker_id = o.worker_id AND e.badge = o.badge AND e.id NOT IN (SELECT value FROM json_each(@entries))))`;

/**
 * Who held a badge before the roster's line for it, where that line does not say since when it is his. What was badged
 * after another worker had lost it may be that worker's, who did not give it back: nothing tells, and a scan must never
 * become the registration of somebody else. The same `reference` on both lines is the same person, as it is when a scan is
 * released. Of holders whom the nightly clean-up has erased nothing is known but for what it left at the scans.
 */
export class EarlierHolders {
  readonly #lookup: RosterLookup;
  readonly #others: Sqlite.Statement<[], Earlier>;
  readonly #own: Sqlite.Statement<[number, string, number], number | null>;
  /** Looked up once for each roster: no index leads from a badge to those who had it. */
  #known: { readonly generation: number; readonly untilOf: ReadonlyMap<string, number> } | null = null;

  constructor({ db }: Connection, lookup: RosterLookup) {
    this.#lookup = lookup;
    this.#others = db.prepare(
      `SELECT o.badge, max(o.superseded_at) AS untilMs
      FROM roster_entries o INDEXED BY roster_superseded
        CROSS JOIN roster_entries e INDEXED BY roster_in_force ON e.badge = o.badge AND e.superseded_at IS NULL
      WHERE o.superseded_at IS NOT NULL AND o.worker_id <> e.worker_id AND e.valid_from IS NULL
        AND (o.reference IS NULL OR o.reference IS NOT e.reference)
      GROUP BY o.badge`,
    );
    this.#own = db
      .prepare<[number, string, number], number | null>(
        `SELECT max(superseded_at) FROM roster_entries INDEXED BY roster_of_worker
        WHERE worker_id = ? AND badge = ? AND superseded_at <= ?`,
      )
      .pluck();
  }

  /**
   * Whether another than who holds the badge now held it after `atMs`, or was the last to hold it before.
   *
   * @param atMs `null` while nothing proves it: of a badge that another held as well, it may be any moment
   * @param wasHeld somebody held it at the time, and a damaged database lost who: that is nobody who had it before
   * @param wasAnothers it was found before that it may be another's
   */
  mayBeAnothers(
    badge: string,
    { workerId, validFrom }: KnownBadge,
    atMs: WallMs | null,
    { wasHeld, wasAnothers }: { readonly wasHeld: boolean; readonly wasAnothers: boolean },
  ): boolean {
    if (wasAnothers) return validFrom === null;
    const latestMs = this.#untilOf().get(badge);
    if (latestMs === undefined) return false;
    if (atMs === null) return true;
    if (latestMs > atMs || wasHeld) return latestMs > atMs;
    const ownMs = this.#own.get(workerId, badge, Math.floor(atMs)) ?? null;
    return ownMs === null || ownMs < latestMs;
  }

  #untilOf(): ReadonlyMap<string, number> {
    const generation = this.#lookup.generation();
    if (this.#known?.generation === generation) return this.#known.untilOf;
    const untilOf = new Map(this.#others.all().map(({ badge, untilMs }) => [badge, untilMs]));
    this.#known = { generation, untilOf };
    return untilOf;
  }
}
