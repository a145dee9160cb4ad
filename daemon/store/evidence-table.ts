import type Sqlite from "better-sqlite3";
import { assert } from "../base/assert.ts";
import type { WallMs } from "../base/time.ts";
import type {
  ErasableSample,
  EvidenceBatch,
  KeptAnchor,
  KeptCheckpoint,
  KeptRecord,
  LogEnd,
  UnrecordedEntry,
} from "../evidence/evidence-store.ts";
import { hashBytes, leafHash } from "../evidence/merkle.ts";
import type { RecordKind } from "../evidence/record.ts";
import { lineHash } from "../evidence/record-line.ts";
import type { OutageEntry } from "../outage/outage-store.ts";
import type { Connection } from "./connection.ts";
import { isMarkedAsCopy, unmarkAsCopy } from "./copy-mark.ts";
import { shortLine, wholeLine } from "./short-line.ts";
import { UsedEpoch } from "./used-epoch.ts";

/** Records of one epoch: at one a second they last for 34,000 years. */
const epochSpan = 2 ** 40;

/** Records in one answer: about 5 ms for whoever waits behind it. */
export const evidenceSliceRows = 2000;

/** Rows at once in a search for samples to erase. */
const walkRows = 2000;

/**
 * Samples too young to erase after which a search ends: more than a day of them. Fewer may only be dated by a clock that
 * ran ahead, and do not keep what is behind them.
 */
const youngMax = 5000;

type RecordRow = {
  readonly id: number;
  readonly line: string | null;
  readonly hash: Buffer | null;
  readonly leaf: Buffer | null;
};
type CheckpointRow = { readonly id: number; readonly note: string; readonly roots: Buffer };
type AnchorRow = Omit<KeptAnchor, "seq" | "by"> & { readonly id: number; readonly madeBy: string };
type EntryRow = { readonly entryId: number; readonly window: string; readonly content: string };
type ErasableRow = { readonly id: number; readonly erasableAt: number | null };

/** The evidence room's log: records, checkpoints, what others said of them, and the salts of what people added. */
export class EvidenceTable {
  readonly #connection: Connection;
  readonly #add: Sqlite.Statement<[number, string | null, number | null, string]>;
  readonly #lineAt: Sqlite.Statement<[number], string | null>;
  readonly #lastRecord: Sqlite.Statement<[number, number], number>;
  readonly #lastCheckpoint: Sqlite.Statement<[number, number], CheckpointRow>;
  readonly #newest: Sqlite.Statement<[], number | null>;
  readonly #slice: Sqlite.Statement<[number, number, number], RecordRow>;
  readonly #lastOfKind: Sqlite.Statement<[string], string>;
  readonly #ofWindow: Sqlite.Statement<[string, string], string>;
  readonly #addCheckpoint: Sqlite.Statement<[number, string, Buffer]>;
  readonly #noteAt: Sqlite.Statement<[number], string>;
  readonly #checkpoints: Sqlite.Statement<[number, number, number], CheckpointRow>;
  readonly #addAnchor: Sqlite.Statement<[number, number, string, string, Uint8Array]>;
  readonly #anchors: Sqlite.Statement<[number, number, number], AnchorRow>;
  readonly #addSalt: Sqlite.Statement<[number, Uint8Array]>;
  readonly #salt: Sqlite.Statement<[number], Buffer>;
  readonly #drop: Sqlite.Statement<[number, number]>;
  readonly #entries: Sqlite.Statement<[number], EntryRow>;
  readonly #walk: Sqlite.Statement<[number, number], ErasableRow>;
  readonly #erase: Sqlite.Statement<[Buffer, Buffer, number]>;
  readonly #usedEpoch: UsedEpoch;
  /** Nothing before it is left to erase. */
  #erasedTo = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#usedEpoch = new UsedEpoch(connection.file);
    const { db } = connection;
    this.#add = db.prepare("INSERT INTO evidence_records (id, kind, erasable_at, line) VALUES (?, ?, ?, ?)");
    this.#lineAt = db.prepare<[number], string | null>("SELECT line FROM evidence_records WHERE id = ?").pluck();
    this.#lastRecord = db
      .prepare<[number, number], number>(
        "SELECT id FROM evidence_records WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1",
      )
      .pluck();
    this.#lastCheckpoint = db.prepare(
      "SELECT id, note, roots FROM evidence_checkpoints WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1",
    );
    this.#newest = db
      .prepare<[], number | null>(
        "SELECT max(id) FROM (SELECT max(id) AS id FROM evidence_records UNION ALL SELECT max(id) FROM evidence_checkpoints)",
      )
      .pluck();
    this.#slice = db.prepare(
      "SELECT id, line, hash, leaf FROM evidence_records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
    );
    this.#lastOfKind = db
      .prepare<[string], string>(
        "SELECT line FROM evidence_records INDEXED BY evidence_kinds WHERE kind = ? ORDER BY id DESC LIMIT 1",
      )
      .pluck();
    // Years have some thousand of them: those of a window are looked for in 10 ms.
    this.#ofWindow = db
      .prepare<[string, string], string>(
        `SELECT line FROM evidence_records INDEXED BY evidence_kinds
        WHERE kind = ? AND coalesce(json_extract(line, '$.data.window'), json_extract(line, '$.data.id')) = ? ORDER BY id`,
      )
      .pluck();
    this.#addCheckpoint = db.prepare("INSERT INTO evidence_checkpoints (id, note, roots) VALUES (?, ?, ?)");
    this.#noteAt = db.prepare<[number], string>("SELECT note FROM evidence_checkpoints WHERE id = ?").pluck();
    this.#checkpoints = db.prepare(
      "SELECT id, note, roots FROM evidence_checkpoints WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
    );
    this.#addAnchor = db.prepare(
      "INSERT OR IGNORE INTO evidence_anchors (id, size, type, made_by, proof) VALUES (?, ?, ?, ?, ?)",
    );
    this.#anchors = db.prepare(
      `SELECT id, size, type, made_by AS madeBy, proof FROM evidence_anchors WHERE id >= ? AND id < ?
      ORDER BY id LIMIT ?`,
    );
    this.#addSalt = db.prepare("INSERT OR IGNORE INTO evidence_salts (id, salt) VALUES (?, ?)");
    this.#salt = db.prepare<[number], Buffer>("SELECT salt FROM evidence_salts WHERE id = ?").pluck();
    this.#drop = db.prepare("DELETE FROM evidence_records WHERE id >= ? AND id < ?");
    this.#entries = db.prepare(
      `SELECT e.id AS entryId, w.key AS window, e.content FROM outage_entries e JOIN outage_windows w ON w.id = e.window_id
      WHERE e.id > (SELECT coalesce(max(id), 0) FROM evidence_salts) ORDER BY e.id LIMIT ?`,
    );
    this.#walk = db.prepare(
      `SELECT id, CASE WHEN line IS NULL THEN NULL ELSE erasable_at END AS erasableAt
      FROM evidence_records WHERE id >= ? ORDER BY id LIMIT ?`,
    );
    this.#erase = db.prepare("UPDATE evidence_records SET line = NULL, hash = ?, leaf = ? WHERE id = ?");
  }

  end(): LogEnd | null {
    const newest = this.#newest.get() ?? null;
    if (newest === null) return null;
    const epoch = Math.floor(newest / epochSpan);
    const row = this.#lastCheckpoint.get(idOf(epoch, 0), idOf(epoch + 1, 0));
    return { epoch, size: this.#size(epoch), checkpoint: row === undefined ? null : checkpointOf(row) };
  }

  records(epoch: number, from: number, limit: number): readonly KeptRecord[] {
    const rows = this.#slice.all(idOf(epoch, from), idOf(epoch + 1, 0), Math.min(limit, evidenceSliceRows));
    return rows.map(({ id, line, hash, leaf }) => {
      const seq = id % epochSpan;
      return line === null
        ? { kind: "erased", seq, hash: hash?.toString("hex") ?? "", leaf: leaf?.toString("hex") ?? "" }
        : { kind: "whole", seq, line: wholeLine(line) };
    });
  }

  checkpoints(epoch: number, from: number, limit: number): readonly KeptCheckpoint[] {
    const most = Math.min(limit, evidenceSliceRows);
    return this.#checkpoints.all(idOf(epoch, from), idOf(epoch + 1, 0), most).map(checkpointOf);
  }

  anchors(epoch: number, from: number, limit: number): readonly KeptAnchor[] {
    return this.#anchors
      .all(idOf(epoch, from), idOf(epoch + 1, 0), Math.min(limit, evidenceSliceRows))
      .map(({ id, madeBy, ...rest }) => ({ seq: id % epochSpan, by: madeBy, ...rest }));
  }

  salt(entryId: number): string | null {
    return this.#salt.get(entryId)?.toString("hex") ?? null;
  }

  lastOf(kind: Exclude<RecordKind, "sample">): string | null {
    const stored = this.#lastOfKind.get(kind);
    return stored === undefined ? null : wholeLine(stored);
  }

  ofWindow(kind: "window" | "scans", window: string): readonly string[] {
    return this.#ofWindow.all(kind, window);
  }

  /** Whether the database was taken over from a copy and no epoch was begun since. */
  isOfCopy(): boolean {
    return isMarkedAsCopy(this.#connection.file);
  }

  /** The latest epoch that was ever signed in the database's folder; 0 when none was. */
  usedEpoch(): number {
    return this.#usedEpoch.latest;
  }

  commit(batch: EvidenceBatch): "committed" | "diverged" {
    if (batch.from > 0) this.#usedEpoch.keep(batch.epoch);
    const outcome = this.#write(batch);
    if (batch.from === 0 && outcome === "committed") unmarkAsCopy(this.#connection.file);
    return outcome;
  }

  drop(epoch: number, from: number): number {
    return this.#connection.transact(() => this.#drop.run(idOf(epoch, from), idOf(epoch + 1, 0)).changes);
  }

  unrecorded(limit: number): readonly UnrecordedEntry[] {
    return this.#entries.all(limit).map(({ entryId, window, content }) => {
      const entry = JSON.parse(content) as OutageEntry;
      return { entryId, window, ...contentOf(entry) };
    });
  }

  erasable(before: WallMs, limit: number): readonly ErasableSample[] {
    const found: ErasableSample[] = [];
    let young = 0;
    for (let from = this.#erasedTo; found.length < limit && young < youngMax; ) {
      const rows = this.#walk.all(from, walkRows);
      for (const { id, erasableAt } of rows) {
        const isYoung = erasableAt !== null && erasableAt >= before;
        if (isYoung) young += 1;
        else if (erasableAt !== null && found.length < limit) {
          found.push({ epoch: Math.floor(id / epochSpan), seq: id % epochSpan });
        }
        if (young === 0 && found.length === 0) this.#erasedTo = id;
      }
      from = (rows.at(-1)?.id ?? 0) + 1;
      if (rows.length < walkRows) break;
    }
    return found;
  }

  #write(batch: EvidenceBatch): "committed" | "diverged" {
    return this.#connection.transact(() => {
      if (!this.#continues(batch)) return "diverged";
      const size = this.#size(batch.epoch);
      for (const [index, { kind, line, erasableAt }] of batch.records.entries()) {
        const seq = batch.from + index;
        if (seq < size) continue;
        this.#add.run(idOf(batch.epoch, seq), kind === "sample" ? null : kind, erasableAt, shortLine(line));
      }
      this.#addBeside(batch);
      for (const { epoch, seq } of batch.erase) this.#eraseOne(idOf(epoch, seq));
      return "committed";
    });
  }

  #size(epoch: number): number {
    const last = this.#lastRecord.get(idOf(epoch, 0), idOf(epoch + 1, 0));
    return last === undefined ? 0 : (last % epochSpan) + 1;
  }

  #line(id: number): string | null {
    const stored = this.#lineAt.get(id) ?? null;
    return stored === null ? null : wholeLine(stored);
  }

  /** The records of the batch that are there already are the same ones, and none is missing before them. */
  #continues({ epoch, from, records, checkpoint }: EvidenceBatch): boolean {
    const size = this.#size(epoch);
    if (from > size || size > from + records.length) return false;
    for (const [index, { line }] of records.slice(0, size - from).entries()) {
      if (this.#line(idOf(epoch, from + index)) !== line) return false;
    }
    if (checkpoint === null) return true;
    assert(checkpoint.size <= from + records.length, "a checkpoint covers what is written with it or before it");
    const note = this.#noteAt.get(idOf(epoch, checkpoint.size));
    return note === undefined || note === checkpoint.note;
  }

  #addBeside({ epoch, checkpoint, anchors, salts }: EvidenceBatch): void {
    if (checkpoint !== null && this.#noteAt.get(idOf(epoch, checkpoint.size)) === undefined) {
      const { size, note, roots } = checkpoint;
      this.#addCheckpoint.run(idOf(epoch, size), note, Buffer.from(roots.join(""), "hex"));
    }
    for (const { seq, size, type, by, proof } of anchors) {
      this.#addAnchor.run(idOf(epoch, seq), size, type, by, proof);
    }
    for (const { entryId, salt } of salts) this.#addSalt.run(entryId, salt);
  }

  #eraseOne(id: number): void {
    const line = this.#line(id);
    if (line !== null) this.#erase.run(lineHash(line), leafHash(line), id);
  }
}

function idOf(epoch: number, seq: number): number {
  return epoch * epochSpan + seq;
}

function checkpointOf({ id, note, roots }: CheckpointRow): KeptCheckpoint {
  const count = roots.length / hashBytes;
  const rootAt = (index: number): string => roots.subarray(index * hashBytes, (index + 1) * hashBytes).toString("hex");
  return { size: id % epochSpan, note, roots: Array.from({ length: count }, (_, index) => rootAt(index)) };
}

function contentOf(entry: OutageEntry): Omit<UnrecordedEntry, "entryId" | "window"> {
  switch (entry.kind) {
    case "note":
      return { kind: "note", content: entry.text, bytes: Buffer.byteLength(entry.text), worked: null };
    case "attachment":
      return { kind: "attachment", content: entry.sha256, bytes: entry.bytes, worked: null };
    case "attempt": {
      const { channel, worked } = entry;
      return { kind: "attempt", content: channel, bytes: Buffer.byteLength(channel), worked };
    }
  }
}
