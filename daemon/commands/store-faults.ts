import { statSync } from "node:fs";
import type { Configuration } from "../../config/configuration.ts";
import { BadgedError } from "../base/errors.ts";
import { keptVersion } from "../store/kept-version.ts";
import { schemaVersion } from "../store/schema.ts";
import { isTooLongForSocket, socketPathMaxBytes, statusSocketPath } from "../supervisor/status-socket.ts";
import { inventedScansFault } from "./demo-store.ts";

/** What keeps badged from starting on what is in the place of its store. Opens no database. */
export function storeFaults(configuration: Configuration): readonly string[] {
  const { directory } = configuration.store;
  // It is made when it is missing.
  if (!existsAsOther(directory))
    return [...longFaults(directory), ...newerFaults(directory), ...demoFaults(configuration)];
  return [`${noFolder}; ${nameAFolder}`];
}

/** @throws BadgedError `configuration-invalid` when something else than a folder is in the place of the store */
export function refuseNoFolder({ store: { directory } }: Configuration): void {
  if (!existsAsOther(directory)) return;
  throw new BadgedError("configuration-invalid", `store.directory: ${directory} ${noFolder}`, nameAFolder);
}

const noFolder = "is no folder, so badged could keep no scan";
const nameAFolder = "name one, which is made when it is missing";

function existsAsOther(directory: string): boolean {
  try {
    return !statSync(directory).isDirectory();
  } catch {
    // Missing, or what whoever checks may not look into: no finding.
    return false;
  }
}

function longFaults(directory: string): readonly string[] {
  const path = statusSocketPath(directory);
  if (!isTooLongForSocket(path)) return [];
  return [
    `is longer than ${socketPathMaxBytes - (path.length - directory.length)} bytes, and no socket can be made in it; choose a shorter one`,
  ];
}

function newerFaults(directory: string): readonly string[] {
  const version = keptVersion(directory);
  if (version === null || version <= schemaVersion) return [];
  return [
    `${directory} holds a store of a newer badged (schema version ${version}, this one reads up to ${schemaVersion}); install that one again, or a newer one`,
  ];
}

function demoFaults(configuration: Configuration): readonly string[] {
  const fault = inventedScansFault(configuration);
  return fault === null ? [] : [`${fault.message}; ${fault.advice}`];
}
