import { readFileSync, statSync } from "node:fs";
import { messageOf } from "../../base/errors.ts";
import { bundleMaxBytes, type ReadBundle } from "./bundle-files.ts";
import { failure } from "./failure.ts";
import { readFolder } from "./read-folder.ts";
import { readZip } from "./read-zip.ts";

/** Reads a bundle, be it a folder or a zip; `null` when there is nothing of that name. */
export function readBundle(path: string): ReadBundle | null {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return null;
  try {
    if (status.isDirectory()) return readFolder(path);
    if (!status.isFile()) return { ok: false, failure: failure("not-a-file", path) };
    if (status.size > bundleMaxBytes) return { ok: false, failure: failure("bundle-too-large", path) };
    return readZip(readFileSync(path));
  } catch (error) {
    return { ok: false, failure: failure("bundle-unreadable", path, messageOf(error)) };
  }
}
