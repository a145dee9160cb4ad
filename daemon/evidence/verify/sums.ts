import { type BundleFiles, filesMax, pathMaxLength } from "./bundle-files.ts";
import { decodeUtf8 } from "./canonical.ts";
import { type Failure, failure } from "./failure.ts";
import type { Manifest } from "./manifest.ts";
import { isSignedBy, type PublicKey } from "./public-key.ts";
import { sha256 } from "./tree.ts";

export const sumsPath = "SHA256SUMS";
export const sumsSignaturePath = "SHA256SUMS.sig";
export const manifestPath = "manifest.json";
export const recordsPath = "log/records.jsonl";

/** A line for each file that a bundle may have. A list of a GB, packed into a mail, would take this machine's memory. */
export const sumsMaxBytes: number = filesMax * (64 + 2 + 3 * pathMaxLength + 1);

/** Every file is in the list once, as it was summed, and in order. */
export function checkSums(files: BundleFiles): readonly Failure[] {
  const sums = files.get(sumsPath);
  if (sums !== undefined && sums.length > sumsMaxBytes) {
    return [failure("sums-malformed", sumsPath, `it has more than ${sumsMaxBytes} bytes`)];
  }
  const text = sums === undefined ? null : decodeUtf8(sums);
  if (text === null) return [failure(sums === undefined ? "file-missing" : "sums-malformed", sumsPath)];
  if (!text.endsWith("\n")) return [failure("sums-malformed", sumsPath, "its last line does not end")];
  const failures: Failure[] = [];
  const listed = new Set<string>();
  let before = Buffer.alloc(0);
  for (const [index, line] of text.slice(0, -1).split("\n").entries()) {
    const [, sum, path] = /^([0-9a-f]{64}) {2}(.+)$/.exec(line) ?? [];
    const name = Buffer.from(path ?? "");
    // In the order of the bytes, which is that of `LC_ALL=C sort`.
    if (sum === undefined || path === undefined || Buffer.compare(before, name) >= 0) {
      return [failure("sums-malformed", sumsPath, `line ${index + 1}`)];
    }
    before = name;
    listed.add(path);
    const bytes = files.get(path);
    if (bytes === undefined) failures.push(failure("file-missing", path));
    else if (sha256(bytes).toString("hex") !== sum) failures.push(failure("sum-differs", path));
  }
  for (const path of files.keys()) {
    if (path !== sumsPath && path !== sumsSignaturePath && !listed.has(path)) {
      failures.push(failure("file-unexpected", path, "it is not in SHA256SUMS"));
    }
  }
  return failures;
}

/** A bundle whose key was lost has none: then nothing vouches for what is in it besides the log. */
export function checkSumsSignature(files: BundleFiles, key: PublicKey): readonly Failure[] {
  const sums = files.get(sumsPath);
  const signature = files.get(sumsSignaturePath);
  if (signature === undefined) return [];
  if (sums === undefined) return [failure("file-missing", sumsPath)];
  return isSignedBy(key, sums, signature) ? [] : [failure("sums-signature", sumsSignaturePath)];
}

const freePaths =
  /^(?:external\/[A-Za-z0-9_][A-Za-z0-9._-]*|keys\/(?:log\.key|tsa-[1-9]\d*\.pem|witness-[1-9]\d*\.key))$/;
/** Shorter than what is taken from a zip, in which a folder's name may stand before it. */
const nameMaxLength = 140;
const derivedPaths = new Set(["report.pdf", "verify.sh", "LEESMIJ.md", "LISEZMOI.md"]);

/** What the manifest asks for is there, and nothing else is but what a bundle may hold besides. */
export function checkFileNames(files: BundleFiles, manifest: Manifest): readonly Failure[] {
  const needed = new Set([sumsPath, manifestPath, recordsPath]);
  const proofs = proofPaths(manifest);
  for (const { size, tokens, cosignatures } of manifest.checkpoints) {
    for (const path of [`checkpoints/${size}.ckpt`, ...tokens, ...cosignatures]) needed.add(path);
  }
  const missing = [...needed].filter((path) => !files.has(path)).map((path) => failure("file-missing", path));
  const unexpected = [...files.keys()]
    .filter(
      (path) =>
        path.length > nameMaxLength ||
        (!needed.has(path) &&
          !derivedPaths.has(path) &&
          path !== sumsSignaturePath &&
          !freePaths.test(path) &&
          !proofs.has(path)),
    )
    .map((path) => failure("file-unexpected", path));
  return [...missing, ...unexpected];
}

/** Whether they are there, and what is in them, is checked with the tree. */
function proofPaths({ first, size, checkpoints }: Manifest): ReadonlySet<string> {
  const paths = new Set(first === 0 ? [] : [`proofs/inclusion-${first}-${size}`]);
  for (const [index, { size: newer }] of checkpoints.entries()) {
    const older = checkpoints[index - 1];
    if (older !== undefined) paths.add(`proofs/consistency-${older.size}-${newer}`);
  }
  return paths;
}
