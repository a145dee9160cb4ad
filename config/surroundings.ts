import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { isBoxFault, systemCode } from "../daemon/base/errors.ts";
import { keyFault } from "./private-key.ts";
import { type SecretFault, secretFault } from "./secret.ts";

/** What the cross checks ask about the box that the file is for. Nothing here throws. */
export interface Surroundings {
  /** Where systemd put the unit's credentials; `null` when badged was not started with any. */
  readonly credentialsDirectory: string | null;
  fileState(path: string): FileState;
  secretFault(path: string): SecretFault | null;
  /** The same for a file that is to hold a private key. */
  keyFault(path: string): SecretFault | null;
  /** The path with its links followed: a by-id link and the device behind it are one. Itself when it is not there. */
  deviceOf(path: string): string;
}

export type FileState = "readable" | "missing" | "unreadable" | "no-file" | "disk-failed";

/** This box, now. */
export function thisBox(environment: Readonly<Record<string, string | undefined>> = process.env): Surroundings {
  return {
    credentialsDirectory: environment["CREDENTIALS_DIRECTORY"] || null,
    fileState,
    secretFault,
    keyFault,
    deviceOf,
  };
}

/**
 * This box, with every file that the configuration names taken for usable. For a look at what a site has kept: nobody
 * should be unable to read its scans because its roster is elsewhere, or because a key is not his to read.
 */
export function unjudgedBox(): Surroundings {
  return { ...thisBox(), fileState: () => "readable", secretFault: () => null, keyFault: () => null };
}

function fileState(path: string): FileState {
  try {
    if (!statSync(path).isFile()) return "no-file";
    accessSync(path, constants.R_OK);
    return "readable";
  } catch (error) {
    if (isBoxFault(error)) return "disk-failed";
    const code = systemCode(error);
    return code === "ENOENT" || code === "ENOTDIR" ? "missing" : "unreadable";
  }
}

function deviceOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // A reader that is not plugged in has no device to compare; its path is then all there is.
    return path;
  }
}
