import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BadgedError, messageOf, systemCode } from "../../base/errors.ts";
import { makeFolder } from "../../base/folders.ts";
import { isForbidden } from "../../base/permission.ts";
import { ensureDeviceKey, findDeviceKey, type KeptKey } from "../device-key.ts";
import type { NoteSigner } from "../note.ts";

export const witnessKey: KeptKey = { name: "witness-key.pem", what: "the witness's key" };
export const witnessNameFile: string = "witness-name";
const nameMaxLength = 100;

/** @throws BadgedError `store-missing` before the first start; `secret-unsafe`, `store-unusable` */
export function findWitness(directory: string): NoteSigner {
  const name = readName(directory);
  const key = findDeviceKey(directory, witnessKey);
  if (name !== null && key !== null) return { name, publicKey: key.publicKey, privateKey: key.privateKey };
  const advice = "name its folder with --store, or start the witness once: it makes its key at its first start";
  throw new BadgedError("store-missing", `there is no witness in ${directory}`, advice);
}

/**
 * The witness of a folder, made at its first start. Its name is a part of its key to everybody who verifies, and so stays.
 *
 * @param name `null` for the one it has
 * @throws BadgedError `usage`, `secret-unsafe`, `store-unusable`
 */
export function ensureWitness(directory: string, name: string | null): NoteSigner {
  const isName = name === null || (/^[^\s+\p{Cc}]+$/u.test(name) && name.length <= nameMaxLength);
  if (!isName)
    throw new BadgedError("usage", `${name} cannot be a witness's name`, "use letters, digits, dots, hyphens");
  try {
    makeFolder(directory);
    if (name !== null && readName(directory) === null) writeName(directory, name);
  } catch (error) {
    if (error instanceof BadgedError) throw error;
    throw unusable(directory, error);
  }
  const kept = readName(directory);
  if (kept === null) {
    const advice = "name the witness at its first start, such as --name witness.example.be; the name stays";
    throw new BadgedError("usage", `the witness in ${directory} has no name yet`, advice);
  }
  if (name !== null && kept !== name) {
    const advice = "leave --name out, or use another folder for another witness";
    throw new BadgedError("usage", `the witness in ${directory} is ${kept}, not ${name}`, advice);
  }
  const { publicKey, privateKey } = ensureDeviceKey(directory, witnessKey);
  return { name: kept, publicKey, privateKey };
}

function readName(directory: string): string | null {
  try {
    return readFileSync(join(directory, witnessNameFile), "utf8").trim();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw unusable(directory, error);
  }
}

/** Whole or not at all, whenever the power goes. */
function writeName(directory: string, name: string): void {
  const file = join(directory, witnessNameFile);
  const temporary = `${file}.${process.pid}`;
  const descriptor = openSync(temporary, "w", 0o644);
  try {
    writeFileSync(descriptor, `${name}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  linkSync(temporary, file);
  rmSync(temporary);
}

function unusable(directory: string, cause: unknown): BadgedError {
  const message = `the witness's folder ${directory} cannot be used: ${messageOf(cause)}`;
  const code = isForbidden(cause) ? "no-permission" : "store-unusable";
  return new BadgedError(code, message, "give it to the user that the witness runs as", { cause });
}
