import { resolve } from "node:path";
import { credentialsVariable } from "./secret.ts";

/** Turns paths as they are written into absolute ones. */
export type Location = {
  /** Folder of the YAML file, absolute. */
  readonly folder: string;
  readonly credentialsDirectory: string | null;
};

export function absolute(written: string, { folder }: Location): string {
  return resolve(folder, written);
}

/**
 * The file of a secret. Only `$CREDENTIALS_DIRECTORY/` at its beginning is replaced; without credentials it stays, and
 * whoever reads the secret is told, so that a file can be checked outside its unit.
 */
export function secretFile(written: string, location: Location): string {
  if (!written.startsWith(credentialsVariable)) return absolute(written, location);
  const name = written.slice(credentialsVariable.length);
  return location.credentialsDirectory === null ? written : resolve(location.credentialsDirectory, name);
}
