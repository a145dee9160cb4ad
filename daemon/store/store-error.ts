import { messageOf, systemCode } from "../base/errors.ts";
import type { RecordOutcome } from "../scan/scan.ts";

/**
 * Why a call of the store failed; nothing of that call is on disk.
 *
 * - `disk-full`: no room; the same call succeeds once there is.
 * - `busy`: another process held the database longer than `busyTimeoutMs`.
 * - `corrupt`: the database is malformed and could not be replaced.
 * - `input-output`: the disk refused to read or write.
 * - `closed`: the store was disposed, or its worker thread died.
 * - `defect`: none of these; badged's own mistake.
 */
export type StoreErrorCode = "disk-full" | "busy" | "corrupt" | "input-output" | "closed" | "defect";

export class StoreError extends Error {
  override readonly name: string = "StoreError";
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** SQLite's result codes (https://sqlite.org/rescode.html) by what the caller can do about them; first match wins. */
const codesByPrefix: readonly (readonly [prefix: string, code: StoreErrorCode])[] = [
  ["SQLITE_FULL", "disk-full"],
  // The shared-memory index is extended by writing to it: the one place where a full disk is reported as an I/O error.
  ["SQLITE_IOERR_SHMSIZE", "disk-full"],
  ["ENOSPC", "disk-full"],
  ["EDQUOT", "disk-full"],
  ["SQLITE_BUSY", "busy"],
  ["SQLITE_LOCKED", "busy"],
  ["SQLITE_CORRUPT", "corrupt"],
  ["SQLITE_NOTADB", "corrupt"],
  ["SQLITE_IOERR_CORRUPTFS", "corrupt"],
  ["SQLITE_IOERR", "input-output"],
  ["SQLITE_CANTOPEN", "input-output"],
  ["SQLITE_READONLY", "input-output"],
];

export function storeErrorCodeOf(error: unknown): StoreErrorCode {
  if (error instanceof StoreError) return error.code;
  const code = systemCode(error) ?? "";
  return codesByPrefix.find(([prefix]) => code.startsWith(prefix))?.[1] ?? "defect";
}

/** Whether the same may succeed later without anything being lost. */
export function isPassing(error: unknown): boolean {
  return ["disk-full", "busy", "input-output"].includes(storeErrorCodeOf(error));
}

export function storeErrorOf(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  return new StoreError(storeErrorCodeOf(error), messageOf(error), { cause: error });
}

/** What the reader is told when nothing of its scan is on disk. */
export function notRecorded(code: StoreErrorCode, detail: string): RecordOutcome {
  return { kind: "not-recorded", reason: code === "disk-full" ? "disk-full" : "store-failed", detail };
}
