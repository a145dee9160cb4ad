import { closeSync, existsSync, fsyncSync, openSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Configuration } from "../../config/configuration.ts";
import { BadgedError } from "../base/errors.ts";
import { makeFolder } from "../base/folders.ts";
import { isLoopback } from "../base/loopback.ts";

/** Stands in the folder of a store whose scans were invented, beside its database. */
const markName = "demonstration";
const markText = "The scans in this folder were invented by `badged demo`. Nobody was ever where they say.\n";

/**
 * Sees to it that what the demonstration invents is kept apart from what people badged.
 *
 * @throws BadgedError `usage` when the site has a store of its own there, or anybody to tell
 */
export function claimDemoStore(configuration: Configuration): void {
  const { directory } = configuration.store;
  if (tellsOthers(configuration) || configuration.evidence.keyFile !== null) {
    const advice = "use config/demo.yaml, or a file without webhooks, oauth, tokenFile and evidence.keyFile";
    throw new BadgedError(
      "usage",
      "the demonstration invents scans, and this file says whom to tell and who signs",
      advice,
    );
  }
  const mark = join(directory, markName);
  if (existsSync(mark)) return;
  // Whatever lies there may be a site's: its key, or what is left of a database.
  if (existsSync(directory) && readdirSync(directory).length > 0) {
    throw new BadgedError(
      "usage",
      `the demonstration invents scans, and ${directory} may hold those of people`,
      "name another store.directory; if it is only of an earlier demonstration, remove the folder",
    );
  }
  makeFolder(directory);
  // Before the first scan: no power cut leaves invented scans without their mark.
  writeFileSync(mark, markText, { flush: true });
  const folder = openSync(directory, "r");
  fsyncSync(folder);
  closeSync(folder);
}

/** Why the daemon does not start on the store of a demonstration; `null` when it does, or the store is none. */
export function inventedScansFault(
  configuration: Configuration,
): { readonly message: string; readonly advice: string } | null {
  const { directory } = configuration.store;
  const isOnThisMachine = isLoopback(new URL(configuration.service.url).hostname);
  if (!existsSync(join(directory, markName)) || (isOnThisMachine && !tellsOthers(configuration))) return null;
  const message = `${directory} holds the invented scans of a demonstration, and others would be told of them`;
  return { message, advice: "name another folder" };
}

/** @throws BadgedError `configuration-invalid` when anybody would be told of invented scans */
export function refuseInventedScans(configuration: Configuration): void {
  const fault = inventedScansFault(configuration);
  if (fault === null) return;
  throw new BadgedError("configuration-invalid", `store.directory: ${fault.message}`, fault.advice);
}

function tellsOthers({ service: { oauth, tokenFile }, webhooks }: Configuration): boolean {
  return webhooks.length > 0 || oauth !== null || tokenFile !== null;
}
