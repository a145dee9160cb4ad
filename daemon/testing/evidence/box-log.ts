import { generateKeyPairSync, type KeyObject } from "node:crypto";
import type { AnchorRequest } from "../../evidence/anchorer.ts";
import { consistencyProof, type Hash, leafHash, rootOver } from "../../evidence/merkle.ts";
import { checkpointText, originOf, rawPublicKey, signNote } from "../../evidence/note.ts";
import { type AddCheckpoint, addCheckpointBody } from "../../evidence/witness/add-checkpoint.ts";

/** The log of a box as a witness sees it: leaves, and checkpoints over them. Its owner has the key, and so can forge. */
export class BoxLog {
  readonly privateKey: KeyObject;
  readonly epoch: number;
  readonly leaves: Hash[];

  constructor(
    privateKey: KeyObject = generateKeyPairSync("ed25519").privateKey,
    epoch = 1,
    leaves: readonly Hash[] = [],
  ) {
    this.privateKey = privateKey;
    this.epoch = epoch;
    this.leaves = [...leaves];
  }

  get publicKey(): Buffer {
    return rawPublicKey(this.privateKey);
  }

  get origin(): string {
    return originOf(this.publicKey, this.epoch);
  }

  get size(): number {
    return this.leaves.length;
  }

  /** @param story what the records say: two logs that tell the same have the same leaves */
  grow(count: number, story = "truth"): this {
    for (let added = 0; added < count; added++) this.leaves.push(leafHash(`${story} ${this.leaves.length}`));
    return this;
  }

  /** Set back to `size` records, as from an image of the disk. */
  rolledBack(size: number): BoxLog {
    return new BoxLog(this.privateKey, this.epoch, this.leaves.slice(0, size));
  }

  nextEpoch(): BoxLog {
    return new BoxLog(this.privateKey, this.epoch + 1);
  }

  note(size: number = this.size): string {
    const text = checkpointText({ origin: this.origin, size, root: rootOver(this.leaves.slice(0, size)) });
    return signNote(text, { name: this.origin, publicKey: this.publicKey, privateKey: this.privateKey });
  }

  add(oldSize: number, size: number = this.size): AddCheckpoint {
    const proof = oldSize <= size ? consistencyProof(this.leaves.slice(0, size), oldSize) : [];
    return { oldSize, proof, note: this.note(size) };
  }

  body(oldSize: number, size: number = this.size): string {
    return addCheckpointBody(this.add(oldSize, size));
  }

  request(size: number = this.size): AnchorRequest {
    const note = this.note(size);
    return {
      origin: this.origin,
      size,
      text: note.slice(0, note.indexOf("\n\n") + 1),
      note,
      consistency: async (oldSize) => (oldSize <= size ? consistencyProof(this.leaves.slice(0, size), oldSize) : null),
    };
  }
}
