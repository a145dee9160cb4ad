import type { Configuration } from "../../config/configuration.ts";
import { loadConfiguration } from "../../config/load.ts";
import { BadgedError } from "../base/errors.ts";

/**
 * The configuration of a site.
 *
 * @throws BadgedError `configuration-invalid` that holds every problem of the file
 */
export function requireConfiguration(file: string): Configuration {
  const loaded = loadConfiguration(file);
  if (loaded.ok) return loaded.configuration;
  const lines = loaded.problems.map((problem) => `  ${problem.text}`);
  throw new BadgedError(
    "configuration-invalid",
    `the configuration cannot be used:\n${lines.join("\n")}`,
    "mend the file, then try again",
  );
}
