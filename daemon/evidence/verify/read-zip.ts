import { unzipSync } from "fflate";
import { messageOf } from "../../base/errors.ts";
import { bundleMaxBytes, Intake, type ReadBundle } from "./bundle-files.ts";
import { type Failure, failure } from "./failure.ts";

/** What DEFLATE can do at best is about 1,032 to 1; a text log of hashes stays far below this. */
const ratioMax = 200;
/** Below this a high ratio is only an empty or a very regular small file. */
const ratioFromBytes = 1_048_576;

/**
 * Unpacks a bundle's zip in memory. What a file says it will come to is held to the limits before it is unpacked, and it
 * cannot come to more: the room for it is made to that size. Nothing is written to a disk, so a link in a zip is only a
 * file whose sum is wrong.
 */
export function readZip(bytes: Uint8Array): ReadBundle {
  const intake = new Intake();
  let wrong: Failure | null = null;
  let unpacked: Record<string, Uint8Array>;
  try {
    unpacked = unzipSync(bytes, {
      filter: ({ name, size, originalSize }) => {
        if (wrong !== null || (name.endsWith("/") && originalSize === 0)) return false;
        wrong = isBomb(size, originalSize)
          ? failure("bundle-too-large", name, "it is packed too well to be a log")
          : intake.take(name, originalSize);
        return wrong === null;
      },
    });
  } catch (error) {
    return { ok: false, failure: failure("bundle-unreadable", "the zip", messageOf(error)) };
  }
  if (wrong !== null) return { ok: false, failure: wrong };
  return { ok: true, files: new Map(withoutCommonFolder(Object.entries(unpacked))) };
}

function isBomb(size: number, originalSize: number): boolean {
  return originalSize > bundleMaxBytes || (originalSize > ratioFromBytes && originalSize > size * ratioMax);
}

/** Whoever zips a folder by hand gets its name before every path. */
function withoutCommonFolder(entries: readonly [string, Uint8Array][]): readonly [string, Uint8Array][] {
  const folder = `${entries[0]?.[0].split("/")[0] ?? ""}/`;
  const isCommon = entries.every(([path]) => path.startsWith(folder));
  return isCommon ? entries.map(([path, bytes]) => [path.slice(folder.length), bytes]) : entries;
}
