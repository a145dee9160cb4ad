import type { BundleFiles } from "./bundle-files.ts";
import { isSignedByLog, type Note, parseNote } from "./checkpoint-note.ts";
import { type Failure, failure } from "./failure.ts";
import type { Manifest } from "./manifest.ts";
import type { PublicKey } from "./public-key.ts";

export type Checkpoints = {
  /** Those that are what the manifest calls them and that the key signed, by size. */
  readonly notes: ReadonlyMap<number, Note>;
  readonly failures: readonly Failure[];
};

export function readCheckpoints(files: BundleFiles, manifest: Manifest, key: PublicKey): Checkpoints {
  const notes = new Map<number, Note>();
  const failures: Failure[] = [];
  for (const { size } of manifest.checkpoints) {
    const path = `checkpoints/${size}.ckpt`;
    const bytes = files.get(path);
    // A file that is missing has been told with the names.
    if (bytes === undefined) continue;
    const note = parseNote(bytes);
    if (note === null || note.signatures.length !== 1) failures.push(failure("checkpoint-malformed", path));
    else if (note.origin !== manifest.origin) failures.push(failure("origin-differs", path));
    else if (note.size !== size) failures.push(failure("checkpoint-malformed", path, "it is of another size"));
    else if (!isSignedByLog(note, key)) failures.push(failure("checkpoint-signature", path));
    else notes.set(size, note);
  }
  return { notes, failures };
}

/** The lines of the log give the root of every checkpoint that is not older than the first of them. */
export function checkRoots(
  notes: ReadonlyMap<number, Note>,
  roots: ReadonlyMap<number, Buffer>,
  first: number,
): readonly Failure[] {
  return [...notes.values()]
    .filter(({ size, root }) => size > first && roots.get(size)?.equals(root) !== true)
    .map(({ size }) => failure("root-differs", `checkpoints/${size}.ckpt`));
}
