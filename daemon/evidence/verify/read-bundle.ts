import { readFileSync, statSync } from "node:fs";
import { messageOf, systemCode } from "../../base/errors.ts";
import { bundleMaxBytes, type ReadBundle } from "./bundle-files.ts";
import { failure, printable } from "./failure.ts";
import { readFolder } from "./read-folder.ts";
import { readZip } from "./read-zip.ts";

/**
 * Reads a bundle, be it a folder or a zip. Where the system refused to read, or where there is nothing that could be a
 * bundle, nothing was found against it: the answer is then why, in words.
 */
export function readBundle(path: string): ReadBundle | string {
  try {
    const status = statSync(path, { throwIfNoEntry: false });
    if (status === undefined) return `there is no bundle ${path}`;
    if (status.isDirectory()) return readFolder(path);
    if (!status.isFile()) return `${path} is no folder and no zip`;
    if (status.size > bundleMaxBytes) return { ok: false, failure: failure("bundle-too-large", path) };
    const bytes = readFileSync(path);
    const read = readZip(bytes);
    const isZip = read.ok || read.failure.code !== "bundle-unreadable" || bytes.subarray(0, 2).toString() === "PK";
    return isZip ? read : `${path} is no folder and no zip`;
  } catch (error) {
    if (systemCode(error) === null) throw error;
    // Names in it are a stranger's.
    return `the bundle cannot be read: ${printable(messageOf(error))}`;
  }
}
