import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { systemCode } from "../base/errors.ts";
import { isUnreadable } from "./readable-copy.ts";

/*
 * The latest epoch of the evidence log that was ever signed in this folder, in a file beside the key that signs it. A
 * database knows only its own: of a copy that is put back, or of a new one where another was moved away, the next number
 * may be taken, and two logs under one name would each disprove the other.
 *
 * Not named after the database, for who puts a copy in its place moves away all that is.
 */

const fileName = "evidence-epoch";

/** The latest epoch, kept once for each that there is. */
export class UsedEpoch {
  readonly #folder: string;
  #latest: number | null = null;

  /** @param database the file that it is about */
  constructor(database: string) {
    this.#folder = dirname(database);
  }

  get latest(): number {
    this.#latest ??= usedEpochIn(this.#folder);
    return this.#latest;
  }

  /**
   * Only once the epoch is on disk: a number that is kept before would be taken for one that was lost. After a power cut
   * that comes between, the next start keeps it.
   *
   * @throws Error with the system's code, as on a full disk
   */
  keep(epoch: number): void {
    if (epoch <= this.latest) return;
    const file = join(this.#folder, fileName);
    const descriptor = openSync(`${file}.part`, "w", 0o600);
    try {
      writeFileSync(descriptor, `${epoch}\n`);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(`${file}.part`, file);
    this.#latest = epoch;
  }
}

/**
 * 0 when none was, or nobody can tell.
 *
 * @throws Error with the system's code where somebody else can, as who put the file back under another name than ours
 */
function usedEpochIn(folder: string): number {
  let text: string;
  try {
    text = readFileSync(join(folder, fileName), "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT" || isUnreadable(error)) return 0;
    throw error;
  }
  return /^[1-9]\d{0,2}\n$/.test(text) ? Number(text) : 0;
}
