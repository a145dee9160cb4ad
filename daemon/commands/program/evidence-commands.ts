import type { Command } from "commander";
import { defaultConfiguration, type Terminal } from "../terminal.ts";
import {
  type Conclude,
  languageWords,
  refuseUnknown,
  repeated,
  type Site,
  saidOnEitherSide,
  siteOf,
  siteWords,
} from "./arguments.ts";

/** The log that somebody else can check. */
export function addEvidence(program: Command, terminal: Terminal, conclude: Conclude): void {
  const evidence = program.command("evidence").description("the log that somebody else can check");
  evidence
    .command("identity")
    .description("who this box is to a verifier: to be written down at the installation by somebody else")
    .argument("[configuration]", siteWords, defaultConfiguration)
    .option("-c, --config <file>", "the same, as the other commands take it")
    .option("--json", "for machines")
    .action(async (file: string, options: Site & { readonly json?: true }) => {
      conclude(
        await (await import("../evidence.ts")).showIdentity(siteOf(file, options), options.json === true, terminal),
      );
    });
  evidence
    .command("export")
    .description("write a bundle about an outage that an inspector can check without badged")
    .argument("[configuration]", siteWords, defaultConfiguration)
    .option("-c, --config <file>", "the same, as the other commands take it")
    .option("--window <id>", "number of the outage")
    .option("--from <time>", "instead of --window: all that was recorded from this moment on")
    .option("--to <time>", "with --from: up to and without this moment; without it up to now")
    .option("--out <path>", "folder to write, or zip where it ends in .zip; must not be there yet")
    .option("--zip", "one file instead of a folder")
    .option("--attach <file>", "a paper of somebody else, such as the provider's ticket; may be repeated", repeated)
    .action(async (file: string, options) => {
      conclude(await (await import("../evidence-export.ts")).exportEvidence(siteOf(file, options), options, terminal));
    });
  evidence
    .command("report")
    .description("write a PDF about an outage, in words and a picture; it is derived from the log, and is no evidence")
    .argument("[configuration]", siteWords, defaultConfiguration)
    .option("-c, --config <file>", "the same, as the other commands take it")
    .option("--window <id>", "number of the outage")
    .option("--from <time>", "instead of --window: all outages from this moment on")
    .option("--to <time>", "with --from: up to and without this moment; without it up to now")
    .option("--lang <language>", languageWords)
    .requiredOption("--out <file>", "the PDF to write; must not be there yet")
    .action(async (file: string, options) => {
      conclude(await (await import("../evidence-report.ts")).reportEvidence(siteOf(file, options), options, terminal));
    });
  evidence
    .command("verify")
    .description("check a bundle of evidence; exit 0 verified, 1 not verified, 2 could not check what was asked for")
    .argument("<bundle>", "its folder, or its zip")
    .option("--key <key>", "the log's key, ed25519:…, or a file that holds it; never the one of the bundle")
    .option("--tsa-ca <file>", "root certificate of the timestamping authority, in PEM")
    .option(
      "--witness <key>",
      "key NAME+ID+KEY of a witness that must have seen it, or a file; may be repeated",
      repeated,
    )
    .option("--witness-head <file>", "the witness's latest note of this log")
    .option("--json", "for machines")
    .action(async (bundle: string, options) => {
      conclude((await import("../evidence-verify.ts")).verifyEvidence(bundle, options, terminal));
    });
}

const witnessFolder = "/var/lib/badged-witness";

/** Whoever watches the logs of others. */
export function addWitness(program: Command, terminal: Terminal, conclude: Conclude): void {
  const witness = program
    .command("witness")
    .description("watch the logs of boxes that are somebody else's: cosign what extends what was seen before")
    .enablePositionalOptions()
    .allowExcessArguments()
    .option("--store <folder>", "where it keeps its key and what it has seen; never to be set back", witnessFolder)
    .option("--listen <address>", "where it listens", "127.0.0.1:8490")
    .option("--name <name>", "its name, at the first start, such as witness.example.be")
    .option("--log <key>", "a box: its key as `badged evidence identity` prints it; may be given again", repeated)
    .option("--trust <file>", "a file of such keys, each with what to call the box behind it")
    .action(async (options, command: Command) => {
      refuseUnknown(command);
      conclude(await (await import("../witness.ts")).runWitness(options, terminal));
    });
  witness
    .command("identity")
    .description("its key, for the configuration of the boxes and for whoever verifies")
    .option("--store <folder>", "the witness's folder", witnessFolder)
    .option("--json", "for machines")
    .allowExcessArguments(false)
    .action(async ({ json }: { readonly json?: true }, command: Command) => {
      const store = saidOnEitherSide(command, "store");
      conclude((await import("../witness.ts")).showWitness(store, json === true, terminal));
    });
}
