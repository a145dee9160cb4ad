import type { Command } from "commander";
import { BadgedError } from "../../base/errors.ts";
import { defaultConfiguration, type Terminal } from "../terminal.ts";
import {
  type Conclude,
  isSaidOnEitherSide,
  refuseUnknown,
  type Site,
  saidOnEitherSide,
  siteOf,
  siteWords,
} from "./arguments.ts";

/** Running a site, trying it, and asking how it is. */
export function addDaemon(program: Command, terminal: Terminal, conclude: Conclude): void {
  program
    .command("run")
    .description("run the daemon of a site, in the foreground, until it is told to stop")
    .argument("[configuration]", siteWords, defaultConfiguration)
    .option("-c, --config <file>", "the same, as the other commands take it")
    .action(async (file: string, options: Site) => {
      conclude(await (await import("../run.ts")).run(siteOf(file, options), terminal));
    });

  program
    .command("demo")
    .description("show the main job with a simulated reader and the service's simulator, in plain words")
    .argument("[configuration]", "a YAML file whose reader and service are simulated")
    .option("-c, --config <file>", "the same, as the other commands take it")
    .action(async (file: string | undefined, options: Site) => {
      conclude(await (await import("../demo.ts")).demo(demonstrationOf(file, options), terminal));
    });

  program
    .command("check-config")
    .description(
      "tell every mistake in a site's YAML file, and in what it names, at once; exit 78 when badged does not start with it",
    )
    .argument("[configuration]", siteWords, defaultConfiguration)
    .option("-c, --config <file>", "the same, as the other commands take it")
    .option("--json", "for machines")
    .action(async (file: string, options: Site & { readonly json?: true }) => {
      conclude(
        (await import("../check-config.ts")).checkConfig(siteOf(file, options), options.json === true, terminal),
      );
    });

  program
    .command("status")
    .description("tell how the daemon, its readers and its scans are doing; exit 69 when it does not run")
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .option("--json", "for machines")
    .action(async (options: { readonly config: string; readonly json?: true }) => {
      conclude(await (await import("../status.ts")).status(options.config, options.json === true, terminal));
    });
}

/** `clock` by itself, and `clock check` for monitoring. */
export function addClock(program: Command, terminal: Terminal, conclude: Conclude): void {
  const clock = program
    .command("clock")
    .description("tell how far the clock can be trusted, and what is known of the receipt limit")
    .enablePositionalOptions()
    .allowExcessArguments()
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .option("--json", "for machines")
    .action(async (options: { readonly config: string; readonly json?: true }, command: Command) => {
      refuseUnknown(command);
      conclude(await (await import("../clock.ts")).showClock(options.config, options.json === true, terminal));
    });
  clock
    .command("check")
    .description("one line; exit 0 when the clock can be trusted, 1 when it cannot, 69 when the daemon does not run")
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .option("--json", "for machines: what clock --json gives")
    .allowExcessArguments(false)
    .action(async (_, command: Command) => {
      const config = saidOnEitherSide(command, "config");
      const json = isSaidOnEitherSide(command, "json");
      conclude(await (await import("../clock.ts")).checkClock(config, json, terminal));
    });
}

/** Never the site's own file for want of another: what is invented has no place in its store. */
function demonstrationOf(argument: string | undefined, { config }: Site): string {
  if (argument !== undefined) return siteOf(argument, config === undefined ? {} : { config });
  if (config !== undefined) return config;
  throw new BadgedError("usage", "the demonstration has no file", "name one, such as config/demo.yaml of the checkout");
}
