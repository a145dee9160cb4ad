import { createHash } from "node:crypto";
import { type WallMs, wallMs } from "../../base/time.ts";
import { append, emptyFrontier, type Frontier, type Hash, leafHash, rootOf } from "../../evidence/merkle.ts";
import { checkpointText, cosign, type NoteSigner, originOf, signedPartHash, signNote } from "../../evidence/note.ts";
import type { EvidenceRecord, RecordContent, RecordMoment } from "../../evidence/record.ts";
import { lineHash, lineOf, noPrevious } from "../../evidence/record-line.ts";
import type { TestAuthority } from "./test-authority.ts";
import { seededKey } from "./test-keys.ts";

export type LogCheckpoint = {
  readonly size: number;
  /** The signed part. */
  readonly text: string;
  readonly note: string;
  readonly tokens: readonly Buffer[];
  /** Without their line feeds. */
  readonly cosignatures: readonly string[];
};

/** A whole epoch as a box would have it on its disk. */
export type EvidenceLog = {
  readonly signer: NoteSigner;
  readonly records: readonly EvidenceRecord[];
  readonly lines: readonly string[];
  readonly leaves: readonly Hash[];
  readonly checkpoints: readonly LogCheckpoint[];
  /** Wall time at which the next record may be written. */
  readonly now: WallMs;
};

export type Vouchers = {
  readonly authority: TestAuthority | null;
  readonly witnesses: readonly NoteSigner[];
};

/** The time between asking an authority or a witness and writing the `anchor` record of its answer. */
const anchorDelayMs = 1_200;

/** Writes a log in the order that the format asks for: records, checkpoint, token and cosignatures, `anchor` records. */
export class LogBuilder {
  readonly signer: NoteSigner;
  #now: WallMs;
  #bootStart: WallMs;
  #boot: string;
  #state: RecordMoment["state"] = "synchronised";
  #errMs: number | null = 8;
  readonly #records: EvidenceRecord[] = [];
  readonly #lines: string[] = [];
  readonly #leaves: Hash[] = [];
  readonly #checkpoints: LogCheckpoint[] = [];
  #frontier: Frontier = emptyFrontier;

  constructor(signer: NoteSigner, startedAt: WallMs, boot: string) {
    this.signer = signer;
    this.#now = startedAt;
    this.#bootStart = wallMs(startedAt - 9_000);
    this.#boot = boot;
  }

  get now(): WallMs {
    return this.#now;
  }

  get size(): number {
    return this.#lines.length;
  }

  get boot(): string {
    return this.#boot;
  }

  get errMs(): number | null {
    return this.#errMs;
  }

  pass(ms: number): void {
    this.#now = wallMs(this.#now + ms);
  }

  reboot(boot: string): void {
    this.#boot = boot;
    this.#bootStart = wallMs(this.#now - 9_000);
  }

  clock(state: RecordMoment["state"], errMs: number | null): void {
    this.#state = state;
    this.#errMs = errMs;
  }

  record(content: RecordContent): EvidenceRecord {
    const moment: RecordMoment = {
      boot: this.#boot,
      mono: this.#now - this.#bootStart,
      wall: this.#now,
      err: this.#errMs,
      state: this.#state,
    };
    return this.add({ ...moment, ...content });
  }

  /** Takes a record over from elsewhere at this place: its number and its link to the line before are made anew. */
  add(record: RecordMoment & RecordContent): EvidenceRecord {
    const before = this.#lines.at(-1);
    const p = before === undefined ? noPrevious : lineHash(before).toString("hex");
    const placed: EvidenceRecord = { ...record, v: 1, seq: this.#lines.length, p };
    const line = lineOf(placed);
    const leaf = leafHash(line);
    this.#records.push(placed);
    this.#lines.push(line);
    this.#leaves.push(leaf);
    this.#frontier = append(this.#frontier, leaf);
    this.#now = wallMs(Math.max(this.#now, placed.wall));
    this.#boot = placed.boot;
    this.#bootStart = wallMs(placed.wall - placed.mono);
    return placed;
  }

  /** A checkpoint over all so far, with what it was given elsewhere. */
  checkpoint(tokens: readonly Buffer[] = [], cosignatures: readonly string[] = []): LogCheckpoint {
    const size = this.#lines.length;
    const text = checkpointText({ origin: this.signer.name, size, root: rootOf(this.#frontier) });
    const checkpoint = { size, text, note: signNote(text, this.signer), tokens, cosignatures };
    this.#checkpoints.push(checkpoint);
    return checkpoint;
  }

  /** A checkpoint that is stamped and witnessed now, and the `anchor` records that say so. */
  anchor({ authority, witnesses }: Vouchers): void {
    const { text } = this.checkpoint();
    this.#checkpoints.pop();
    const imprint = signedPartHash(text);
    const cosignatures = witnesses.map((witness) => cosign(text, Math.floor(this.#now / 1000), witness));
    const tokens = authority === null ? [] : [authority.stamp(imprint, this.#now)];
    const { size } = this.checkpoint(tokens, cosignatures);
    this.pass(anchorDelayMs);
    const common = { size, checkpoint: imprint.toString("hex") };
    for (const [index, line] of cosignatures.entries()) {
      const by = witnesses[index]?.name ?? "";
      this.record({ kind: "anchor", data: { type: "witness", ...common, sha256: sha256(`${line}\n`), by } });
    }
    for (const token of tokens) {
      this.record({ kind: "anchor", data: { type: "rfc3161", ...common, sha256: sha256(token), by: "test" } });
    }
  }

  build(): EvidenceLog {
    return {
      signer: this.signer,
      records: [...this.#records],
      lines: [...this.#lines],
      leaves: [...this.#leaves],
      checkpoints: [...this.#checkpoints],
      now: this.#now,
    };
  }
}

/** The key of the box with that name. */
export function seededSigner(name: string, epoch: number = 1): NoteSigner {
  const { privateKey, publicKey } = seededKey(`box ${name}`);
  return { name: originOf(publicKey, epoch), privateKey, publicKey };
}

/** Every record and checkpoint of the first `size` records, ready to go on otherwise than the log did. */
export function rolledBack(log: EvidenceLog, size: number): LogBuilder {
  const [first] = log.records;
  if (first === undefined) throw new Error("an empty log cannot be rolled back");
  const builder = new LogBuilder(log.signer, wallMs(first.wall), first.boot);
  const checkpoints = new Map(log.checkpoints.map((each) => [each.size, each]));
  for (const record of log.records.slice(0, size)) {
    builder.add(record);
    const checkpoint = checkpoints.get(builder.size);
    if (checkpoint !== undefined) builder.checkpoint(checkpoint.tokens, checkpoint.cosignatures);
  }
  return builder;
}

function sha256(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
