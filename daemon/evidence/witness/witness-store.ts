import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { assert } from "../../base/assert.ts";
import { BadgedError, messageOf, systemCode } from "../../base/errors.ts";
import { cosignedAt, type NoteKey, parseCheckpoint, parseNote } from "../note.ts";
import { type Head, type Memory, readOrigin } from "./judgement.ts";

export const witnessStoreFile: string = "witness.sqlite";

/** `BDGW`, by which the file is known. */
const applicationId = 0x42444757;

/** What was cosigned for one origin. Times are seconds since 1970, by the witness's clock. */
export type WitnessedLog = {
  readonly origin: string;
  readonly fingerprint: string;
  readonly epoch: number;
  readonly size: number;
  readonly firstSize: number;
  readonly firstSeconds: number;
  readonly lastSeconds: number;
  /** The latest checkpoint with the signature of the box and the cosignature. */
  readonly note: string;
};

/** What was refused although the signature of the box is on it: the box itself contradicts what it said before. */
export type WitnessedContradiction = {
  readonly origin: string;
  readonly reason: string;
  readonly seconds: number;
  readonly note: string;
};

/** Of each origin the last ones are kept: a box that is stuck says the same every few minutes. */
export const contradictionsMax = 100;

const schema = `
  CREATE TABLE log (
    origin TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, epoch INTEGER NOT NULL, size INTEGER NOT NULL,
    first_size INTEGER NOT NULL, first_seconds INTEGER NOT NULL, last_seconds INTEGER NOT NULL, note TEXT NOT NULL
  ) STRICT;
  CREATE INDEX log_by_box ON log (fingerprint, epoch);
  CREATE TABLE contradiction (
    id INTEGER PRIMARY KEY, origin TEXT NOT NULL, reason TEXT NOT NULL, seconds INTEGER NOT NULL, note TEXT NOT NULL
  ) STRICT;
  CREATE INDEX contradiction_by_origin ON contradiction (origin, id);
  PRAGMA user_version = 1;
`;

const columns = `origin, fingerprint, epoch, size, first_size AS firstSize, first_seconds AS firstSeconds,
  last_seconds AS lastSeconds, note`;

/**
 * What the witness has cosigned: all that it is worth. Every write is on disk when its method returns, and one process at a
 * time holds the file, since two would each cosign a history of their own.
 */
export class WitnessStore implements Memory, Disposable {
  readonly #db: Sqlite.Database;
  readonly #find: Sqlite.Statement<[string], WitnessedLog>;
  readonly #latest: Sqlite.Statement<[string], { epoch: number | null }>;

  private constructor(db: Sqlite.Database) {
    this.#db = db;
    this.#find = db.prepare(`SELECT ${columns} FROM log WHERE origin = ?`);
    this.#latest = db.prepare("SELECT max(epoch) AS epoch FROM log WHERE fingerprint = ?");
  }

  /**
   * @param witness every head in the file has to carry its cosignature
   * @throws BadgedError `already-running`, `store-unusable`
   */
  static open(directory: string, witness: NoteKey): WitnessStore {
    const file = join(directory, witnessStoreFile);
    let db: Sqlite.Database | null = null;
    try {
      db = new Sqlite(file, { timeout: 0 });
      prepare(db);
      const store = new WitnessStore(db);
      for (const log of store.logs()) requireOwn(log, witness);
      return store;
    } catch (error) {
      db?.close();
      if (error instanceof BadgedError) throw error;
      throw unusable(file, error);
    }
  }

  head(origin: string): Head | null {
    const log = this.find(origin);
    const note = log === null ? null : parseNote(log.note);
    const checkpoint = note === null ? null : parseCheckpoint(note.text);
    assert((log === null) === (checkpoint === null), "a head that was kept is a checkpoint");
    return log === null || checkpoint === null ? null : { checkpoint, epoch: log.epoch };
  }

  latestEpoch(fingerprint: string): number | null {
    return this.#latest.get(fingerprint)?.epoch ?? null;
  }

  find(origin: string): WitnessedLog | null {
    return this.#find.get(origin) ?? null;
  }

  /** Of all boxes, the newest epoch of each first. */
  logs(): readonly WitnessedLog[] {
    const sql = `SELECT ${columns} FROM log ORDER BY fingerprint, epoch DESC`;
    return this.#db.prepare<[], WitnessedLog>(sql).all();
  }

  contradictions(origin: string): readonly WitnessedContradiction[] {
    const sql = "SELECT origin, reason, seconds, note FROM contradiction WHERE origin = ? ORDER BY id DESC";
    return this.#db.prepare<[string], WitnessedContradiction>(sql).all(origin);
  }

  /** @param note with the cosignature, which may leave the house only after this returned */
  keep({ checkpoint, epoch }: Head, note: string, seconds: number): void {
    const { origin, size } = checkpoint;
    const fingerprint = readOrigin(origin)?.fingerprint;
    assert(fingerprint !== undefined, "only logs of badged are cosigned");
    const before = this.head(origin);
    assert(before === null || before.checkpoint.size <= size, "what was cosigned never shrinks");
    const sql = `INSERT INTO log (origin, fingerprint, epoch, size, first_size, first_seconds, last_seconds, note)
      VALUES ($origin, $fingerprint, $epoch, $size, $size, $seconds, $seconds, $note)
      ON CONFLICT (origin) DO UPDATE SET size = $size, last_seconds = $seconds, note = $note`;
    this.#db.prepare(sql).run({ origin, fingerprint, epoch, size, seconds, note });
  }

  /** The same as the last one of its origin is not kept again. */
  keepContradiction(contradiction: WitnessedContradiction): void {
    const { origin, note } = contradiction;
    this.#db.transaction(() => {
      if (this.contradictions(origin)[0]?.note === note) return;
      const sql =
        "INSERT INTO contradiction (origin, reason, seconds, note) VALUES ($origin, $reason, $seconds, $note)";
      this.#db.prepare(sql).run(contradiction);
      const old = "SELECT id FROM contradiction WHERE origin = ? ORDER BY id DESC LIMIT -1 OFFSET ?";
      this.#db.prepare(`DELETE FROM contradiction WHERE id IN (${old})`).run(origin, contradictionsMax);
    })();
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

/** The lock is taken first and held to the end: a process that is killed lets go of it. */
function prepare(db: Sqlite.Database): void {
  db.pragma("locking_mode = EXCLUSIVE");
  db.pragma("journal_mode = DELETE");
  db.pragma("synchronous = EXTRA");
  assert(db.pragma("synchronous", { simple: true }) === 3, "a cosignature leaves only after its head is on disk");
  db.exec("BEGIN EXCLUSIVE");
  const version = db.pragma("user_version", { simple: true });
  const id = db.pragma("application_id", { simple: true });
  if (version === 0 && id === 0) {
    db.pragma(`application_id = ${applicationId}`);
    db.exec(schema);
  } else if (version !== 1 || id !== applicationId) {
    throw new Error("it is not the store of a witness of this version");
  }
  db.exec("COMMIT");
}

/** A head that was changed on disk would let a forged history be cosigned. */
function requireOwn(log: WitnessedLog, witness: NoteKey): void {
  const note = parseNote(log.note);
  const checkpoint = note === null ? null : parseCheckpoint(note.text);
  const id = readOrigin(log.origin);
  const isOwn =
    note !== null &&
    checkpoint?.origin === log.origin &&
    checkpoint.size === log.size &&
    id?.epoch === log.epoch &&
    id.fingerprint === log.fingerprint &&
    note.signatures.some(({ line }) => cosignedAt(note.text, line, witness) !== null);
  if (!isOwn) throw new Error(`the head of ${log.origin} does not carry the cosignature of ${witness.name}`);
}

function unusable(file: string, cause: unknown): BadgedError {
  const code = systemCode(cause) ?? "";
  if (code.startsWith("SQLITE_BUSY")) {
    return new BadgedError(
      "already-running",
      `another process holds the witness's store ${file}`,
      "stop the other witness first: two with one store would each cosign a history of their own",
      { cause },
    );
  }
  return new BadgedError(
    "store-unusable",
    `the witness's store ${file} cannot be used: ${messageOf(cause)}`,
    "find out what happened to it: a witness that begins anew, or from an older copy, cosigns what it would refuse; then give it a new name and key, and tell the owners of the boxes",
    { cause },
  );
}
