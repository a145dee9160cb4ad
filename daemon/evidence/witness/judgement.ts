import { emptyRoot, provesConsistency } from "../merkle.ts";
import { type Checkpoint, fingerprintOf, isSignedBy, parseCheckpoint, parseNote, type SignedNote } from "../note.ts";
import type { AddCheckpoint } from "./add-checkpoint.ts";

/** A box whose logs the witness watches. */
export type TrustedBox = {
  /** For people: the box, its site or its owner. */
  readonly label: string;
  readonly publicKey: Uint8Array;
};

/** The latest checkpoint of an origin that was cosigned. */
export type Head = {
  readonly checkpoint: Checkpoint;
  readonly epoch: number;
};

/** Each epoch is a row that is kept for ever, 1 kB; a box that has begun anew so often is broken, or up to something. */
export const epochMax = 10_000;

export type WitnessRefusal =
  | "malformed"
  | "unknown-log"
  | "wrong-signature"
  | "other-size"
  | "epoch-closed"
  | "too-many-epochs"
  | "other-root"
  | "not-an-extension";

/** What a request is answered, in the words of C2SP where it has any. */
export const refusalStatus: Readonly<Record<WitnessRefusal, number>> = {
  malformed: 400,
  "wrong-signature": 403,
  "epoch-closed": 403,
  "too-many-epochs": 403,
  "unknown-log": 404,
  "other-size": 409,
  "other-root": 409,
  "not-an-extension": 422,
};

export type WitnessJudgement =
  | {
      readonly kind: "cosign";
      readonly text: string;
      readonly note: SignedNote;
      readonly head: Head;
      readonly box: TrustedBox;
    }
  | {
      readonly kind: "refuse";
      readonly reason: WitnessRefusal;
      readonly words: string;
      /** The size that was cosigned last, for `other-size`; `null` where it would not help: it was asked from that one. */
      readonly size: number | null;
      /** The epoch that closed this log, for `epoch-closed`. */
      readonly epoch: number | null;
      /** The box that it is about, once its signature vouches for that. */
      readonly box: TrustedBox | null;
      readonly origin: string | null;
    };

/** What the witness remembers of a box: the head of the origin that is asked about, and the latest epoch of its key. */
export type Memory = {
  head(origin: string): Head | null;
  latestEpoch(fingerprint: string): number | null;
};

/**
 * Whether a checkpoint may be cosigned: it is signed by a trusted box, and its tree has the one that was cosigned last as a
 * prefix. Of every origin and size one root at most is ever cosigned, so that a box has one history.
 *
 * A new epoch closes the ones before it: otherwise the owner could keep two logs going and choose later.
 */
export function judge(request: AddCheckpoint, boxes: readonly TrustedBox[], memory: Memory): WitnessJudgement {
  const note = parseNote(request.note);
  const checkpoint = note === null ? null : parseCheckpoint(note.text);
  if (note === null || checkpoint === null) return refuse("malformed", "this is not a signed checkpoint");
  const { origin, size, root } = checkpoint;

  const id = readOrigin(origin);
  const box = boxes.find(({ publicKey }) => fingerprintOf(publicKey) === id?.fingerprint);
  if (id === null || box === undefined) return refuse("unknown-log", "the key of this box is not on the list");
  if (!isSignedBy(note, { name: origin, publicKey: box.publicKey })) {
    return refuse("wrong-signature", "the signature is not that of the box");
  }

  const about = { box, origin };
  if (id.epoch > epochMax) return refuse("too-many-epochs", `a box has ${epochMax} epochs at most`, about);
  const latestEpoch = memory.latestEpoch(id.fingerprint);
  if (latestEpoch !== null && id.epoch < latestEpoch) {
    return refuse("epoch-closed", `this log was closed when epoch ${latestEpoch} of its box began`, {
      ...about,
      epoch: latestEpoch,
    });
  }
  if (request.oldSize > size) return refuse("malformed", "the old size is above the new one", about);
  const head = memory.head(origin);
  const cosignedSize = head?.checkpoint.size ?? 0;
  if (request.oldSize !== cosignedSize) {
    return refuse("other-size", `the last size cosigned is ${cosignedSize}`, { ...about, size: cosignedSize });
  }
  const oldRoot = head?.checkpoint.root ?? emptyRoot;
  if (size === cosignedSize && !root.equals(oldRoot)) {
    return refuse("other-root", `a log of this size was cosigned with other content`, about);
  }
  if (!provesConsistency({ oldSize: cosignedSize, oldRoot, size, root, proof: request.proof })) {
    return refuse(
      "not-an-extension",
      `the log of size ${cosignedSize} that was cosigned is not a prefix of this one`,
      about,
    );
  }
  return { kind: "cosign", text: note.text, note, head: { checkpoint, epoch: id.epoch }, box };
}

/** `null` when it is not the origin of a log of badged. */
export function readOrigin(origin: string): { readonly fingerprint: string; readonly epoch: number } | null {
  const [, fingerprint, epoch] = /^badged\/([0-9a-f]{16})\/([1-9]\d{0,9})$/.exec(origin) ?? [];
  return fingerprint === undefined ? null : { fingerprint, epoch: Number(epoch) };
}

function refuse(
  reason: WitnessRefusal,
  words: string,
  about: { readonly box?: TrustedBox; readonly origin?: string; readonly size?: number; readonly epoch?: number } = {},
): WitnessJudgement {
  return {
    kind: "refuse",
    reason,
    words,
    size: about.size ?? null,
    epoch: about.epoch ?? null,
    box: about.box ?? null,
    origin: about.origin ?? null,
  };
}
