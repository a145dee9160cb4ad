import { type Failure, failure } from "./failure.ts";

/** The files of a bundle by their path, with `/` between its parts. */
export type BundleFiles = ReadonlyMap<string, Uint8Array>;

/** A bundle that could be read, or what is wrong with it. */
export type ReadBundle =
  | { readonly ok: true; readonly files: BundleFiles }
  | { readonly ok: false; readonly failure: Failure };

export const bundleMaxBytes: number = 1_073_741_824;
export const filesMax: number = 20_000;
export const pathMaxLength: number = 200;

/** What is kept under this name in an object changes the object, and is not found in it again. */
const hiddenPart = "__proto__";
const safePart = /^[\p{L}\p{N}_()+,@=&'~-][\p{L}\p{N} ._()+,@=&'~-]*$/u;

/**
 * Whether a path stays inside the bundle and can be shown: parts of letters, digits and a few signs, none of which begins
 * with a dot or a space. Nothing is ever written under these names, but a person may unpack the same zip.
 */
export function isSafePath(path: string): boolean {
  return path.length <= pathMaxLength && path.split("/").every((part) => safePart.test(part) && part !== hiddenPart);
}

/** Takes files one by one and holds them to the limits, before anything is read or unpacked. */
export class Intake {
  readonly #seen = new Set<string>();
  #bytes = 0;

  /** @returns what is wrong with the file, or `null` */
  take(path: string, bytes: number): Failure | null {
    if (!isSafePath(path)) return failure("path-unsafe", path);
    if (this.#seen.has(path)) return failure("path-twice", path);
    this.#seen.add(path);
    this.#bytes += bytes;
    if (this.#seen.size > filesMax) return failure("bundle-too-large", path, `more than ${filesMax} files`);
    return this.#bytes > bundleMaxBytes
      ? failure("bundle-too-large", path, `more than ${bundleMaxBytes} bytes in all`)
      : null;
  }
}
