import { statSync } from "node:fs";
import type { Configuration } from "../../config/configuration.ts";
import { keptVersion } from "../store/kept-version.ts";
import { schemaVersion } from "../store/schema.ts";
import { inventedScansFault } from "./demo-store.ts";

/** What keeps badged from starting on what is in the place of its store. Opens no database. */
export function storeFaults(configuration: Configuration): readonly string[] {
  const { directory } = configuration.store;
  // It is made when it is missing.
  if (!existsAsOther(directory)) return [...newerFaults(directory), ...demoFaults(configuration)];
  return ["is no folder, so badged could keep no scan; name one, which is made when it is missing"];
}

function existsAsOther(directory: string): boolean {
  try {
    return !statSync(directory).isDirectory();
  } catch {
    // Missing, or what whoever checks may not look into: no finding.
    return false;
  }
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
