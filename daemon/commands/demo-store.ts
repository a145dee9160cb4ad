import { existsSync, writeFileSync } from "node:fs";
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
export function claimDemoStore({ store: { directory }, service, webhooks }: Configuration): void {
  if (webhooks.length > 0 || service.oauth !== null || service.tokenFile !== null) {
    const advice = "use config/demo.yaml, or a file without webhooks, oauth and tokenFile";
    throw new BadgedError("usage", "the demonstration invents scans, and this file names whom to tell of them", advice);
  }
  const mark = join(directory, markName);
  if (existsSync(mark)) return;
  if (existsSync(join(directory, "badged.sqlite"))) {
    throw new BadgedError(
      "usage",
      `the demonstration invents scans, and ${directory} may hold those of people`,
      "name another store.directory; if it is only of an earlier demonstration, remove the folder",
    );
  }
  makeFolder(directory);
  writeFileSync(mark, markText);
}

/** @throws BadgedError `configuration-invalid` when invented scans would be sent to a service that is not on this machine */
export function refuseInventedScans({ store: { directory }, service: { url } }: Configuration): void {
  if (!existsSync(join(directory, markName)) || isLoopback(new URL(url).hostname)) return;
  throw new BadgedError(
    "configuration-invalid",
    `store.directory: ${directory} holds the invented scans of a demonstration, which would be registered`,
    "name another folder",
  );
}
