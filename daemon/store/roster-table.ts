import type Sqlite from "better-sqlite3";
import { assert, present } from "../base/assert.ts";
import { BadgedError } from "../base/errors.ts";
import type { WallMs } from "../base/time.ts";
import type { Employer, RosterChange, RosterEntry, WorkerKind } from "../scan/roster.ts";
import type { Connection } from "./connection.ts";
import { HandedOn } from "./handed-on.ts";

/** Badges in one roster: what the largest sites hold, and what is replaced in well under `busyTimeoutMs`. */
export const rosterMaxBadges = 20_000;

type EntryRow = {
  readonly id: number;
  readonly badge: string;
  readonly ssin: string;
  readonly employerKind: Employer["kind"];
  readonly employerNumber: string;
  readonly declarationOfWorks: string | null;
  readonly reference: string | null;
  readonly validFrom: string | null;
  readonly validUntil: string | null;
  readonly kind: WorkerKind | null;
  readonly limosa: string | null;
};

type Plan = Omit<RosterChange, "handedOn"> & {
  readonly superseded: readonly number[];
  readonly inserted: readonly RosterEntry[];
};

/**
 * The roster in versions: a change supersedes the entry of a badge and adds another, so that a stored scan goes on
 * pointing at what was in force when it was made.
 */
export class RosterTable {
  readonly #connection: Connection;
  readonly #inForce: Sqlite.Statement<[], EntryRow>;
  readonly #supersede: Sqlite.Statement<[number, number]>;
  readonly #insert: Sqlite.Statement<unknown[]>;
  readonly #worker: Sqlite.Statement<[string], number>;
  readonly #addWorker: Sqlite.Statement<[string]>;
  readonly #imported: Sqlite.Statement<[number, string]>;
  readonly #fingerprint: Sqlite.Statement<[], string | null>;
  readonly #badges: Sqlite.Statement<[], number>;
  readonly #handedOn: HandedOn;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#handedOn = new HandedOn(connection);
    const { db } = connection;
    this.#inForce = db.prepare(
      `SELECT e.id, e.badge, w.ssin, e.employer_kind AS employerKind, e.employer_number AS employerNumber,
        e.declaration_of_works AS declarationOfWorks, e.reference, e.valid_from AS validFrom, e.valid_until AS validUntil,
        e.worker_kind AS kind, e.limosa
      FROM roster_entries e JOIN workers w ON w.id = e.worker_id WHERE e.superseded_at IS NULL`,
    );
    this.#supersede = db.prepare("UPDATE roster_entries SET superseded_at = ? WHERE id = ?");
    this.#insert = db.prepare(
      `INSERT INTO roster_entries
        (badge, worker_id, employer_kind, employer_number, declaration_of_works, reference, valid_from, valid_until,
          worker_kind, limosa)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#worker = db.prepare<[string], number>("SELECT id FROM workers WHERE ssin = ?").pluck();
    this.#addWorker = db.prepare("INSERT INTO workers (ssin) VALUES (?)");
    this.#imported = db.prepare(
      "UPDATE store SET roster_generation = roster_generation + ?, roster_fingerprint = ? WHERE id = 1",
    );
    this.#fingerprint = db.prepare<[], string | null>("SELECT roster_fingerprint FROM store").pluck();
    this.#badges = db
      .prepare<[], number>("SELECT count(*) FROM roster_entries INDEXED BY roster_in_force WHERE superseded_at IS NULL")
      .pluck();
  }

  plan(entries: readonly RosterEntry[]): RosterChange {
    refuseUnusable(entries);
    return changeOf(this.#compare(entries), this.#handedOnOf(entries));
  }

  /** @throws BadgedError `roster-invalid` above `rosterMaxBadges`, or when a badge is there twice; nothing is written */
  replace(entries: readonly RosterEntry[], fingerprint: string, now: WallMs): RosterChange {
    refuseUnusable(entries);
    // Before the first write: scans of the gate wait for the end of a transaction that writes.
    const handedOn = this.#handedOnOf(entries);
    return this.#connection.transact(() => {
      const plan = this.#compare(entries);
      for (const id of plan.superseded) this.#supersede.run(Math.floor(now), id);
      for (const entry of plan.inserted) this.#add(entry);
      this.#imported.run(plan.superseded.length + plan.inserted.length > 0 ? 1 : 0, fingerprint);
      assert(this.badges() === entries.length, "the roster in force holds the badges that were imported");
      return changeOf(plan, handedOn);
    });
  }

  fingerprint(): string | null {
    return this.#fingerprint.get() ?? null;
  }

  /** Badges in force; at most `rosterMaxBadges`, so counting them stays cheap. */
  badges(): number {
    return present(this.#badges.get(), "a count has a value");
  }

  #compare(entries: readonly RosterEntry[]): Plan {
    const inForce = this.#badgesInForce();
    const superseded: number[] = [];
    const inserted: RosterEntry[] = [];
    let added = 0;
    for (const entry of entries) {
      const present = inForce.get(entry.badge);
      inForce.delete(entry.badge);
      if (present !== undefined && isSame(present, entry)) continue;
      if (present === undefined) added += 1;
      else superseded.push(present.id);
      inserted.push(entry);
    }
    const changed = superseded.length;
    for (const row of inForce.values()) superseded.push(row.id);
    return {
      added,
      changed,
      removed: inForce.size,
      unchanged: entries.length - inserted.length,
      superseded,
      inserted,
    };
  }

  #badgesInForce(): Map<string, EntryRow> {
    return new Map(this.#inForce.all().map((row) => [row.badge, row]));
  }

  #handedOnOf(entries: readonly RosterEntry[]): number {
    return this.#handedOn.count(entries, this.#badgesInForce());
  }

  #add(entry: RosterEntry): void {
    const workerId = this.#worker.get(entry.ssin) ?? Number(this.#addWorker.run(entry.ssin).lastInsertRowid);
    this.#insert.run(
      entry.badge,
      workerId,
      entry.employer.kind,
      entry.employer.number,
      entry.declarationOfWorks,
      entry.reference,
      entry.validFrom,
      entry.validUntil,
      entry.kind ?? null,
      entry.limosa ?? null,
    );
  }
}

function refuseUnusable(entries: readonly RosterEntry[]): void {
  if (entries.length > rosterMaxBadges) {
    throw new BadgedError(
      "roster-invalid",
      `the roster holds ${entries.length} badges, more than the limit of ${rosterMaxBadges}`,
      "leave out badges of workers who no longer come to this site",
    );
  }
  if (new Set(entries.map((entry) => entry.badge)).size < entries.length) {
    throw new BadgedError(
      "roster-invalid",
      "the roster holds the same badge twice",
      "give each badge one line; `badged roster check` names the lines",
    );
  }
}

function isSame(row: EntryRow, entry: RosterEntry): boolean {
  return (
    row.ssin === entry.ssin &&
    row.employerKind === entry.employer.kind &&
    row.employerNumber === entry.employer.number &&
    row.declarationOfWorks === entry.declarationOfWorks &&
    row.reference === entry.reference &&
    row.validFrom === entry.validFrom &&
    row.validUntil === entry.validUntil &&
    row.kind === (entry.kind ?? null) &&
    row.limosa === (entry.limosa ?? null)
  );
}

function changeOf({ added, changed, removed, unchanged }: Plan, handedOn: number): RosterChange {
  return { added, changed, removed, unchanged, handedOn };
}
