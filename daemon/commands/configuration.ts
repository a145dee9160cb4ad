import type { Configuration } from "../../config/configuration.ts";
import { loadConfiguration } from "../../config/load.ts";
import { type Surroundings, unjudgedBox } from "../../config/surroundings.ts";
import { BadgedError } from "../base/errors.ts";

/**
 * The configuration of a site, for what starts with it on this box.
 *
 * @throws BadgedError `configuration-invalid` that holds every problem of the file; `disk-failed` when the disk does not
 *   give it, or a file that it names, and nothing else is wrong
 */
export function requireConfiguration(file: string, surroundings?: Surroundings): Configuration {
  const loaded = loadConfiguration(file, surroundings);
  if (loaded.ok) return loaded.configuration;
  const { code } = loaded;
  const lines = loaded.problems.map((problem) => `  ${problem.text}`);
  throw new BadgedError(
    code,
    `the configuration cannot be used:\n${lines.join("\n")}`,
    code === "disk-failed" ? "look at the disk or card, then try again" : "mend the file, then try again",
  );
}

/**
 * The configuration of a site whose store is looked at: the files it names are not needed for that.
 *
 * @throws BadgedError `configuration-invalid` that holds every problem of the file itself; `disk-failed`
 */
export function visitedConfiguration(file: string): Configuration {
  return requireConfiguration(file, unjudgedBox());
}
