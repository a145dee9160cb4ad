import type Sqlite from "better-sqlite3";
import { present } from "../base/assert.ts";
import { type ScanState, scanStates } from "../scan/scan.ts";
import type { Connection } from "./connection.ts";

/**
 * How many scans are in each state: exact, durable and shared with every process at any size. A trigger counts every
 * change of state but those to and from `sending`: who makes these, or inserts scans, counts them in the same transaction.
 */
export class ScanCounts {
  readonly #all: Sqlite.Statement<[], { state: string; scans: number }>;
  readonly #rows: Sqlite.Statement<[], number>;
  readonly #add: Sqlite.Statement<[number, string]>;
  readonly #of: Sqlite.Statement<[string], number>;

  constructor({ db }: Connection) {
    this.#all = db.prepare("SELECT state, scans FROM scan_counts");
    this.#rows = db.prepare<[], number>("SELECT sum(scans) FROM scan_counts WHERE state <> 'doubtful'").pluck();
    this.#add = db.prepare("UPDATE scan_counts SET scans = scans + ? WHERE state = ?");
    this.#of = db.prepare<[string], number>("SELECT scans FROM scan_counts WHERE state = ?").pluck();
  }

  rows(): number {
    return present(this.#rows.get(), "a sum over the counts has a value");
  }

  add(state: ScanState, scans: number): void {
    if (scans !== 0) this.#add.run(scans, state);
  }

  move(from: ScanState, to: ScanState, scans: number): void {
    this.add(from, -scans);
    this.add(to, scans);
  }

  of(state: ScanState | "doubtful"): number {
    return present(this.#of.get(state), "every state has its count");
  }

  byState(): Readonly<Record<ScanState, number>> {
    const counted = new Map(this.#all.all().map((row) => [row.state, row.scans]));
    const entries = scanStates.map((state) => [state, counted.get(state) ?? 0] as const);
    return Object.fromEntries(entries) as Record<ScanState, number>;
  }
}

/** Counts all anew, in the caller's transaction. */
export function recountScans(db: Sqlite.Database): void {
  db.exec(`UPDATE scan_counts SET scans = CASE state
    WHEN 'doubtful' THEN (SELECT count(*) FROM scans s WHERE s.doubt_attempt_id IS NOT NULL)
    ELSE (SELECT count(*) FROM scans s WHERE s.state = scan_counts.state) END`);
}

/** Each state has an index that holds its scans alone, and so have doubts. */
const indexOf: Readonly<Record<ScanState | "doubtful", string>> = {
  waiting: "scans_waiting WHERE state = 'waiting'",
  sending: "scans_sending WHERE state = 'sending'",
  refused: "scans_refused WHERE state = 'refused'",
  withheld: "scans_withheld WHERE state = 'withheld'",
  "unknown-badge": "scans_unknown WHERE state = 'unknown-badge'",
  registered: "scans_registered WHERE state = 'registered'",
  double: "scans_double WHERE state = 'double'",
  doubtful: "scans_doubt WHERE doubt_attempt_id IS NOT NULL",
};

/** How many there are, from indexes alone: some tens of milliseconds for 10⁶ scans. In the caller's snapshot. */
export function countByIndex(db: Sqlite.Database): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(indexOf).map(([state, index]) => {
      const count = db.prepare<[], number>(`SELECT count(*) FROM scans INDEXED BY ${index}`).pluck().get();
      return [state, present(count, "a count has a value")];
    }),
  );
}

/** Puts the counts right, in the caller's transaction. */
export function recountByIndex(db: Sqlite.Database): void {
  const set = db.prepare("UPDATE scan_counts SET scans = ? WHERE state = ?");
  for (const [state, scans] of countByIndex(db)) set.run(scans, state);
}
