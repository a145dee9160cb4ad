import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemCode } from "../../base/errors.ts";
import { type BundleFiles, Intake, type ReadBundle } from "./bundle-files.ts";
import { type Failure, failure } from "./failure.ts";

const foldersDeepMax = 8;

/**
 * Reads a bundle's folder. Links and devices are refused, not followed: the folder came from somebody else.
 *
 * @throws Error with the system's code where it refuses to read
 */
export function readFolder(folder: string): ReadBundle {
  const files = new Map<string, Uint8Array>();
  const wrong = readInto(folder, "", foldersDeepMax, new Intake(), files);
  return wrong === null ? { ok: true, files: files satisfies BundleFiles } : { ok: false, failure: wrong };
}

function readInto(
  root: string,
  below: string,
  deepMax: number,
  intake: Intake,
  files: Map<string, Uint8Array>,
): Failure | null {
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) {
      if (deepMax === 0) return failure("path-unsafe", path, "too many folders in each other");
      const wrong = readInto(root, path, deepMax - 1, intake, files);
      if (wrong !== null) return wrong;
    } else if (entry.isFile()) {
      const read = readOne(join(root, path), path, intake);
      if ("code" in read) return read;
      files.set(path, read.bytes);
    } else {
      return failure("not-a-file", path);
    }
  }
  return null;
}

function readOne(file: string, path: string, intake: Intake): { readonly bytes: Uint8Array } | Failure {
  let descriptor: number;
  try {
    // Between the listing and this moment the name may have become a link, or a pipe that never answers.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === "ELOOP") return failure("not-a-file", path);
    throw error;
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) return failure("not-a-file", path);
    return intake.take(path, status.size) ?? { bytes: readFileSync(descriptor) };
  } finally {
    closeSync(descriptor);
  }
}
