import type { BundleFiles } from "./bundle-files.ts";
import { decodeUtf8 } from "./canonical.ts";
import type { Note } from "./checkpoint-note.ts";
import { type Failure, failure } from "./failure.ts";
import type { Manifest } from "./manifest.ts";
import { firstLeaf } from "./read-log.ts";
import { recordsPath } from "./sums.ts";
import { type Frontier, followInclusion, isConsistent } from "./tree.ts";

type Notes = ReadonlyMap<number, Note>;

/** A tree of 2⁵³ leaves is 53 high; a consistency proof has one hash more. */
const proofMaxBytes = 64 * 65;

/** A hash in hex on each line; `null` when it is anything else. */
export function parseProof(bytes: Uint8Array): readonly Buffer[] | null {
  const text = bytes.length <= proofMaxBytes ? decodeUtf8(bytes) : null;
  if (text === null || !/^(?:[0-9a-f]{64}\n)*$/.test(text)) return null;
  return (text.match(/[0-9a-f]{64}/g) ?? []).map((hash) => Buffer.from(hash, "hex"));
}

/**
 * The tree to the left of the first line, from the proof that this line is in the last checkpoint; empty when the bundle
 * begins with the log.
 */
export function treeBefore(files: BundleFiles, { first, size }: Manifest, notes: Notes): Frontier | Failure {
  if (first === 0) return { size: 0, nodes: [] };
  const path = `proofs/inclusion-${first}-${size}`;
  const bytes = files.get(path);
  if (bytes === undefined) return failure("file-missing", path);
  const proof = parseProof(bytes);
  if (proof === null) return failure("proof-malformed", path);
  const leaf = firstLeaf(files.get(recordsPath) ?? new Uint8Array());
  const followed = leaf === null ? null : followInclusion(leaf, first, size, proof);
  const root = notes.get(size)?.root;
  return followed === null || root === undefined || !followed.root.equals(root)
    ? failure("inclusion-wrong", path)
    : followed.before;
}

/** Every checkpoint continues the one before it. */
export function checkConsistency(files: BundleFiles, { checkpoints }: Manifest, notes: Notes): readonly Failure[] {
  const failures: Failure[] = [];
  for (const [index, { size }] of checkpoints.entries()) {
    const older = checkpoints[index - 1];
    const path = `proofs/consistency-${older?.size}-${size}`;
    if (older !== undefined && !files.has(path)) failures.push(failure("file-missing", path));
  }
  for (const [path, bytes] of files) {
    const [, from, to] = /^proofs\/consistency-(\d+)-(\d+)$/.exec(path) ?? [];
    if (from === undefined || to === undefined) continue;
    const proof = parseProof(bytes);
    const older = notes.get(Number(from));
    const newer = notes.get(Number(to));
    if (proof === null) failures.push(failure("proof-malformed", path));
    else if (older === undefined || newer === undefined || !isConsistent(older, newer, proof)) {
      failures.push(failure("consistency-wrong", path));
    }
  }
  return failures;
}
