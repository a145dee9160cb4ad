import { closeSync, openSync } from "node:fs";
import { readWhole } from "./readable-copy.ts";

/** What a database file begins with (https://sqlite.org/fileformat.html#the_database_header). */
const headerBytes = 100;

export const userVersionAt = 60;
export const applicationIdAt = 68;

/**
 * The header of a database file, read without opening it as a database; zeros where the file is shorter, and all of it
 * where its sector is bad.
 *
 * @throws Error with the system's code when it may not be read
 */
export function headerOf(file: string): Buffer {
  const header = Buffer.alloc(headerBytes);
  const descriptor = openSync(file, "r");
  try {
    if (readWhole(descriptor, header, 0) === "unreadable") header.fill(0);
  } finally {
    closeSync(descriptor);
  }
  return header;
}
