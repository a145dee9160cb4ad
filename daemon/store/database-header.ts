import { closeSync, openSync, readSync } from "node:fs";

/** What a database file begins with (https://sqlite.org/fileformat.html#the_database_header). */
const headerBytes = 100;

export const userVersionAt = 60;
export const applicationIdAt = 68;

/**
 * The header of a database file, read without opening it as a database; zeros where the file is shorter.
 *
 * @throws Error with the system's code when it cannot be read
 */
export function headerOf(file: string): Buffer {
  const header = Buffer.alloc(headerBytes);
  const descriptor = openSync(file, "r");
  try {
    readSync(descriptor, header, 0, headerBytes, 0);
  } finally {
    closeSync(descriptor);
  }
  return header;
}
