import { type Hash, hashBytes } from "../merkle.ts";
import { fromBase64 } from "../note.ts";

/*
 * The bodies of C2SP tlog-witness: what a log asks a witness, and the size that a witness answers with when it was asked
 * from another one.
 */

export const addCheckpointPath = "/add-checkpoint";
export const sizeContentType = "text/x.tlog.size";

/** A tree of 2⁶³ leaves needs no more; C2SP sets the same limit. */
export const proofLinesMax = 63;
/** A note with a few signatures and the longest proof take 5 kB. */
export const requestMaxBytes: number = 16 * 1024;

export type AddCheckpoint = {
  /** The size that the log believes the witness to have seen. */
  readonly oldSize: number;
  readonly proof: readonly Hash[];
  /** The signed checkpoint, byte by byte. */
  readonly note: string;
};

export function addCheckpointBody({ oldSize, proof, note }: AddCheckpoint): string {
  return [`old ${oldSize}`, ...proof.map((hash) => hash.toString("base64")), "", note].join("\n");
}

/** `null` when it is not written exactly so. */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint | null {
  const text = Buffer.from(body).toString("utf8");
  const end = text.indexOf("\n\n");
  if (body.length > requestMaxBytes || end < 0) return null;
  const [first = "", ...lines] = text.slice(0, end).split("\n");
  const oldSize = first.startsWith("old ") ? parseSize(first.slice("old ".length)) : null;
  const proof = lines.flatMap((line) => {
    const hash = fromBase64(line);
    return hash?.length === hashBytes ? [hash] : [];
  });
  if (oldSize === null || proof.length !== lines.length || lines.length > proofLinesMax) return null;
  return { oldSize, proof, note: text.slice(end + 2) };
}

export function sizeBody(size: number): string {
  return `${size}\n`;
}

/** `null` when it is not a size alone on its line. */
export function parseSizeBody(body: Uint8Array): number | null {
  const text = Buffer.from(body).toString("latin1");
  return text.endsWith("\n") ? parseSize(text.slice(0, -1)) : null;
}

/** The answer to a checkpoint of a log that a later epoch of its box has closed: ours, C2SP knows no epochs. */
export function epochBody(epoch: number): string {
  return `epoch ${epoch}\n`;
}

export function parseEpochBody(body: Uint8Array): number | null {
  const text = Buffer.from(body).toString("latin1");
  return text.startsWith("epoch ") && text.endsWith("\n") ? parseSize(text.slice("epoch ".length, -1)) : null;
}

function parseSize(text: string): number | null {
  if (!/^(0|[1-9]\d{0,15})$/.test(text)) return null;
  const size = Number(text);
  return Number.isSafeInteger(size) ? size : null;
}
