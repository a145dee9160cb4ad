import type Sqlite from "better-sqlite3";
import type { RosterEntry } from "../scan/roster.ts";
import type { Connection } from "./connection.ts";
import { perhapsAnothers } from "./earlier-holders.ts";

type Holder = Pick<RosterEntry, "ssin" | "reference">;
type FormerRow = Holder & { readonly badge: string };

/**
 * Badges of a roster whose unknown scans stay so: another worker held them before, and their lines do not say since when
 * they are their holders'. `EarlierHolders` says of each scan whether it may be another's; here a person who imports a
 * roster is told how many lines to look at.
 */
export class HandedOn {
  readonly #oldestUnknown: Sqlite.Statement<[string, string], 0 | 1>;
  readonly #former: Sqlite.Statement<[], FormerRow>;

  constructor({ db }: Connection) {
    // The oldest scan tells: where a later one may be an earlier holder's, it may as well. A million may be there.
    this.#oldestUnknown = db
      .prepare<[string, string], 0 | 1>(
        `SELECT reason IS ? FROM scans INDEXED BY scans_unknown_badge
        WHERE state = 'unknown-badge' AND badge_number = ? AND direction IS NULL ORDER BY id LIMIT 1`,
      )
      .pluck();
    this.#former = db.prepare(
      `SELECT o.badge, w.ssin, o.reference FROM roster_entries o INDEXED BY roster_superseded
        JOIN workers w ON w.id = o.worker_id WHERE o.superseded_at IS NOT NULL ORDER BY o.superseded_at, o.id`,
    );
  }

  /** @param inForce who holds each badge in the roster that these entries replace */
  count(entries: readonly RosterEntry[], inForce: ReadonlyMap<string, Holder>): number {
    let marked = 0;
    const open = entries.filter(({ badge, validFrom }) => {
      if (validFrom !== null) return false;
      const wasAnothers = this.#oldestUnknown.get(perhapsAnothers, badge);
      if (wasAnothers === 1) marked += 1;
      return wasAnothers === 0;
    });
    if (open.length === 0) return marked;
    // Looked up once for all of them: no index leads from a badge to those who had it.
    const lastHolders = new Map<string, Holder>(this.#former.all().map((row) => [row.badge, row]));
    const others = open.filter((entry) => {
      const last = differs(inForce.get(entry.badge), entry) ?? lastHolders.get(entry.badge);
      return differs(last, entry) !== undefined;
    });
    return marked + others.length;
  }
}

/** A holder where he is another person; the same `reference` is the same one, under a corrected number. */
function differs(holder: Holder | undefined, { ssin, reference }: Holder): Holder | undefined {
  if (holder === undefined || holder.ssin === ssin) return undefined;
  return holder.reference !== null && holder.reference === reference ? undefined : holder;
}
