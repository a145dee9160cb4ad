import { type Anchors, readAnchors } from "./anchors.ts";
import type { BundleFiles } from "./bundle-files.ts";
import type { Note } from "./checkpoint-note.ts";
import { checkRoots, readCheckpoints } from "./checkpoints.ts";
import { type Failure, failure } from "./failure.ts";
import { type Manifest, parseManifest } from "./manifest.ts";
import { checkConsistency, treeBefore } from "./proofs.ts";
import type { PublicKey } from "./public-key.ts";
import { type LogFacts, readLog } from "./read-log.ts";
import { reducedTooEarly } from "./reduced-lines.ts";
import { checkFileNames, checkSums, checkSumsSignature, manifestPath, recordsPath, sumsSignaturePath } from "./sums.ts";

/** What the other verdicts rest on, as far as the bundle could be read. */
export type ReadEvidence = {
  readonly manifest: Manifest;
  readonly key: PublicKey;
  readonly notes: ReadonlyMap<number, Note>;
  readonly facts: LogFacts;
  readonly anchors: Anchors;
  /** Whether the bundle as a whole is signed, beside its checkpoints. */
  readonly isSigned: boolean;
  /** What could not be told of the log, in words. */
  readonly unsure: string | null;
};

export type Integrity = { readonly failures: readonly Failure[]; readonly evidence: ReadEvidence | null };

/**
 * Every step of `INTEGRITY`, in the order in which one rests on the other. A step that fails does not hide the next ones,
 * but for the manifest and the log itself, without which there is nothing to look at.
 *
 * @param given the key that the caller trusts; without one the bundle is held against its own, which proves nothing
 * @param nowMs UTC ms, by the clock of whoever verifies
 */
export function checkIntegrity(files: BundleFiles, given: PublicKey | null, nowMs: number): Integrity {
  const failures: Failure[] = [...checkSums(files)];
  const manifestBytes = files.get(manifestPath);
  const manifest = manifestBytes === undefined ? null : parseManifest(manifestBytes);
  if (manifest === null) {
    const code = manifestBytes === undefined ? "file-missing" : "manifest-malformed";
    return { failures: [...failures, failure(code, manifestPath)], evidence: null };
  }
  const key = given ?? manifest.key;
  if (!key.bytes.equals(manifest.key.bytes)) failures.push(failure("key-differs", manifestPath));
  failures.push(...checkSumsSignature(files, key), ...checkFileNames(files, manifest));

  const checkpoints = readCheckpoints(files, manifest, key);
  failures.push(...checkpoints.failures);
  const before = treeBefore(files, manifest, checkpoints.notes);
  const records = files.get(recordsPath);
  if ("code" in before) return { failures: [...failures, before], evidence: null };
  if (records === undefined) return { failures, evidence: null };

  const sizes = new Set(manifest.checkpoints.map(({ size }) => size));
  const log = readLog(records, before, manifest.size, sizes);
  const anchors = readAnchors(files, manifest, checkpoints.notes, log.facts.anchors);
  failures.push(...log.failures);
  // A log that broke off has none of the later roots and anchors: telling each of them would only hide the line that broke.
  if (log.failures.length === 0) {
    failures.push(
      ...checkEpoch(log.facts, manifest),
      ...checkReduced(log.facts, manifest, nowMs),
      ...checkRoots(checkpoints.notes, log.roots, manifest.first),
      ...anchors.failures,
    );
  }
  failures.push(...checkConsistency(files, manifest, checkpoints.notes));
  const isSigned = files.has(sumsSignaturePath);
  const unsure = unsureOf(log.facts, manifest, nowMs);
  return {
    failures,
    evidence: { manifest, key, notes: checkpoints.notes, facts: log.facts, anchors, isSigned, unsure },
  };
}

function checkReduced({ reduced }: LogFacts, { madeMs }: Manifest, nowMs: number): readonly Failure[] {
  const found = reducedTooEarly(reduced, madeMs, nowMs);
  return found === null || found.isUnsure ? [] : [failure("reduced-too-early", `${recordsPath}, record ${found.seq}`)];
}

function unsureOf({ reduced }: LogFacts, { madeMs }: Manifest, nowMs: number): string | null {
  const found = reducedTooEarly(reduced, madeMs, nowMs);
  if (found?.isUnsure !== true) return null;
  return `the clock of this machine stands before the log: whether record ${found.seq} is reduced too early cannot be told`;
}

/** The first line of the log names the log, its key, and the epoch before, which has another name. */
function checkEpoch({ epoch }: LogFacts, { first, origin, key, epoch: number }: Manifest): readonly Failure[] {
  if (first !== 0) return [];
  const where = `${recordsPath}, record 0`;
  if (epoch === null) return [failure("epoch-malformed", where)];
  if (epoch.origin !== origin || epoch.key !== key.bytes.toString("base64")) return [failure("origin-differs", where)];
  const isFirst = number === 1 && epoch.previous === null;
  return isFirst || epoch.reason !== "first-start"
    ? []
    : [failure("epoch-malformed", where, "its reason does not fit its number")];
}
