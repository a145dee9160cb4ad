import { Command, InvalidArgumentError, Option } from "commander";
import { BadgedError, type ExitCode } from "../base/errors.ts";
import { version } from "../base/version.ts";
import type { ReleaseOptions } from "./scans.ts";
import type { SimulateServiceOptions } from "./simulate.ts";
import { defaultConfiguration, type Terminal } from "./terminal.ts";

/** Takes the exit code of the command that ran. */
type Conclude = (code: ExitCode) => void;

const languageWords = "nl, fr, de or en; without it the one of outage.language in the site's file";
const siteWords = "the site's YAML file";
const csvWords = "as a table for a Belgian spreadsheet: semicolons, UTF-8";

/** What can be typed after `badged`. A command's code is loaded only when it is the one asked for. */
export function createProgram(terminal: Terminal, conclude: Conclude): Command {
  const program = new Command("badged")
    .description("Reads badge scans at the gate, keeps them safe, and registers them at Check In and Out at Work.")
    .version(version)
    .exitOverride()
    // A subcommand's options are its own, also where the command above it has options of the same name.
    .enablePositionalOptions()
    .showHelpAfterError("Run with --help to see what can be given.");
  for (const add of [
    addDaemon,
    addClock,
    addScans,
    addOutages,
    addRemarks,
    addEvidence,
    addWitness,
    addService,
    addRoster,
    addReader,
    addSimulate,
  ])
    add(program, terminal, conclude);
  return program;
}

function addDaemon(program: Command, terminal: Terminal, conclude: Conclude): void {
  program
    .command("run")
    .description("run the daemon of a site, in the foreground, until it is told to stop")
    .argument("[configuration]", siteWords, defaultConfiguration)
    .option("-c, --config <file>", "the same, as the other commands take it")
    .action(async (file: string, options: Site) => {
      conclude(await (await import("./run.ts")).run(siteOf(file, options), terminal));
    });

  program
    .command("demo")
    .description("show the main job with a simulated reader and the service's simulator, in plain words")
    .argument("[configuration]", "a YAML file whose reader and service are simulated")
    .option("-c, --config <file>", "the same, as the other commands take it")
    .action(async (file: string | undefined, options: Site) => {
      conclude(await (await import("./demo.ts")).demo(demonstrationOf(file, options), terminal));
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
      conclude((await import("./check-config.ts")).checkConfig(siteOf(file, options), options.json === true, terminal));
    });

  program
    .command("status")
    .description("tell how the daemon, its readers and its scans are doing; exit 69 when it does not run")
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .option("--json", "for machines")
    .action(async (options: { readonly config: string; readonly json?: true }) => {
      conclude(await (await import("./status.ts")).status(options.config, options.json === true, terminal));
    });
}

function addClock(program: Command, terminal: Terminal, conclude: Conclude): void {
  const clock = program
    .command("clock")
    .description("tell how far the clock can be trusted, and what is known of the receipt limit")
    .enablePositionalOptions()
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .option("--json", "for machines")
    .action(async (options: { readonly config: string; readonly json?: true }) => {
      conclude(await (await import("./clock.ts")).showClock(options.config, options.json === true, terminal));
    });
  clock
    .command("check")
    .description("one line; exit 0 when the clock can be trusted, 1 when it cannot, 69 when the daemon does not run")
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .action(async (options: { readonly config: string }) => {
      conclude(await (await import("./clock.ts")).checkClock(options.config, terminal));
    });
}

function addScans(program: Command, terminal: Terminal, conclude: Conclude): void {
  const scans = program.command("scans").description("look at stored scans, and let kept ones go");
  scans
    .command("list")
    .description("list scans, newest first")
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .option(
      "--state <state...>",
      "only these states: waiting, sending, registered, refused, withheld, unknown-badge, double",
    )
    .option("--reader <id>", "only this reader")
    .option("--from <time>", "from this moment on, such as 2026-01-31T06:00:00Z or 2026-01-31T07:00:00+01:00")
    .option("--to <time>", "up to and without this moment")
    .option("--doubtful", "only possible duplicates")
    .option("--limit <count>", "at most this many, up to 100000", wholeNumber, 50)
    .option("--json", "for machines, one document a line")
    .action(async (options) => {
      conclude(await (await import("./scans.ts")).listScans(options, terminal));
    });
  scans
    .command("show")
    .description("show all that is known of one scan")
    .argument("<scan>", "its number", wholeNumber)
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .option("--json", "for machines")
    .action(async (scanId: number, options: { readonly config: string; readonly json?: true }) => {
      conclude(await (await import("./scans.ts")).showScan(scanId, options.config, options.json === true, terminal));
    });
  scans
    .command("release")
    .description("let scans go that the service refused or that were kept back; their time stays as it was")
    .argument("[scans...]", "their numbers", (text: string, before: number[] = []) => [...before, wholeNumber(text)])
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .option("--all-refused", "every scan that the service refused, once the cause is mended")
    .option("--accept-bracket", "also scans whose time is only known to lie in an interval: its middle is sent")
    .option("--same-person", "also scans whose badge is now of somebody with another national number: it was corrected")
    .action(async (scanIds: readonly number[] = [], options: ReleaseOptions) => {
      conclude(await (await import("./scans.ts")).releaseScans(scanIds, options, terminal));
    });
}

function addOutages(program: Command, terminal: Terminal, conclude: Conclude): void {
  const outages = program
    .command("outages")
    .description("when registrations could not be made, why, and what it means");
  const withPeriod = (command: Command): Command =>
    command
      .option("-c, --config <file>", siteWords, defaultConfiguration)
      .option("--from <time>", "from this moment on, such as 2026-01-31T06:00:00Z")
      .option("--to <time>", "up to and without this moment")
      .option("--lang <language>", languageWords)
      .addOption(new Option("--csv", csvWords).conflicts("json"))
      .option("--json", "for machines, one document a line");
  withPeriod(outages.command("list").description("list outage windows, newest first")).action(async (options) => {
    conclude(await (await import("./outages.ts")).listOutages(options, terminal));
  });
  withPeriod(
    outages
      .command("export")
      .description(
        "every window of a period with all that belongs to it, one JSON document a line; with --csv the table of list",
      ),
  ).action(async (options) => {
    conclude(await (await import("./outages.ts")).exportOutages(options, terminal));
  });
  outages
    .command("show")
    .description("one window: when, why, exempt or not, and the procedure's steps in order")
    .argument("<window>", "its number", wholeNumber)
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .option("--lang <language>", languageWords)
    .option("--json", "for machines")
    .action(async (windowId: number, options) => {
      conclude(await (await import("./outages.ts")).showOutage(windowId, options, terminal));
    });
  outages
    .command("note")
    .description("add words to a window; nothing that was added is ever replaced")
    .argument("<window>", "its number", wholeNumber)
    .argument("<text>", "what to remember")
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .action(async (windowId: number, text: string, options: { readonly config: string }) => {
      const { addToOutage } = await import("./outages.ts");
      conclude(await addToOutage(windowId, { kind: "note", text }, options.config, terminal));
    });
  outages
    .command("attach")
    .description("add a file of somebody else, such as the provider's ticket, by its hash")
    .argument("<window>", "its number", wholeNumber)
    .argument("<file>", "the file; it stays where it is")
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .action(async (windowId: number, file: string, options: { readonly config: string }) => {
      const { addToOutage, attachmentOf } = await import("./outages.ts");
      conclude(await addToOutage(windowId, attachmentOf(file), options.config, terminal));
    });
  outages
    .command("attempt")
    .description("record that somebody tried to register over another channel")
    .argument("<window>", "its number", wholeNumber)
    .argument("<channel>", 'such as "online service, telephone"')
    .option("--worked", "the registration was made")
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .action(async (windowId: number, channel: string, options: { readonly config: string; readonly worked?: true }) => {
      const { addToOutage } = await import("./outages.ts");
      const entry = { kind: "attempt", channel, worked: options.worked === true } as const;
      conclude(await addToOutage(windowId, entry, options.config, terminal));
    });
}

function repeated(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

function addEvidence(program: Command, terminal: Terminal, conclude: Conclude): void {
  const evidence = program.command("evidence").description("the log that somebody else can check");
  evidence
    .command("identity")
    .description("who this box is to a verifier: to be written down at the installation by somebody else")
    .argument("[configuration]", siteWords, defaultConfiguration)
    .option("-c, --config <file>", "the same, as the other commands take it")
    .option("--json", "for machines")
    .action(async (file: string, options: Site & { readonly json?: true }) => {
      conclude(
        await (await import("./evidence.ts")).showIdentity(siteOf(file, options), options.json === true, terminal),
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
      conclude(await (await import("./evidence-export.ts")).exportEvidence(siteOf(file, options), options, terminal));
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
      conclude(await (await import("./evidence-report.ts")).reportEvidence(siteOf(file, options), options, terminal));
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
      conclude((await import("./evidence-verify.ts")).verifyEvidence(bundle, options, terminal));
    });
}

const witnessFolder = "/var/lib/badged-witness";

function addWitness(program: Command, terminal: Terminal, conclude: Conclude): void {
  const collected = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];
  const witness = program
    .command("witness")
    .description("watch the logs of boxes that are somebody else's: cosign what extends what was seen before")
    .enablePositionalOptions()
    .option("--store <folder>", "where it keeps its key and what it has seen; never to be set back", witnessFolder)
    .option("--listen <address>", "where it listens", "127.0.0.1:8490")
    .option("--name <name>", "its name, at the first start, such as witness.example.be")
    .option("--log <key>", "a box: its key as `badged evidence identity` prints it; may be given again", collected)
    .option("--trust <file>", "a file of such keys, each with what to call the box behind it")
    .action(async (options) => {
      conclude(await (await import("./witness.ts")).runWitness(options, terminal));
    });
  witness
    .command("identity")
    .description("its key, for the configuration of the boxes and for whoever verifies")
    .option("--store <folder>", "the witness's folder", witnessFolder)
    .option("--json", "for machines")
    .action(async (options: { readonly store: string; readonly json?: true }) => {
      conclude((await import("./witness.ts")).showWitness(options.store, options.json === true, terminal));
    });
}

function addService(program: Command, terminal: Terminal, conclude: Conclude): void {
  program
    .command("service")
    .description("the presence registration service and the way to it")
    .command("check")
    .description("try name, connection, certificate, clock, token and health, without registering anybody")
    .argument("[configuration]", siteWords, defaultConfiguration)
    .option("-c, --config <file>", "the same, as the other commands take it")
    .option("--json", "for machines")
    .action(async (file: string, options: Site & { readonly json?: true }) => {
      const { serviceCheck } = await import("./service-check.ts");
      conclude(await serviceCheck(siteOf(file, options), options.json === true, terminal));
    });
}

function addRemarks(program: Command, terminal: Terminal, conclude: Conclude): void {
  const remarks = program.command("remarks").description("what the service remarks on registrations, and until when");
  remarks
    .command("list")
    .description("list remarks, the one whose last day comes first on top")
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .option("--open", "only those that are neither dealt with nor withdrawn by the service")
    .option("--due-within <days>", "only open ones whose last day for the web form is this near, such as 7d")
    .option("--lang <language>", languageWords)
    .addOption(new Option("--csv", csvWords).conflicts("json"))
    .option("--json", "for machines, one document a line")
    .action(async (options) => {
      conclude(await (await import("./remarks.ts")).listRemarks(options, terminal));
    });
  remarks
    .command("show")
    .description("one remark: the published text, cause and action, what it means, who acts, until when")
    .argument("<remark>", "its number in the list", wholeNumber)
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .option("--lang <language>", languageWords)
    .option("--json", "for machines")
    .action(async (remarkId: number, options) => {
      conclude(await (await import("./remarks.ts")).showRemark(remarkId, options, terminal));
    });
  remarks
    .command("done")
    .description("say that a remark was dealt with; it stays, and so does everything that was said of it")
    .argument("<remark>", "its number in the list", wholeNumber)
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .option("--note <text>", "what was done; no national numbers")
    .option("--undo", "it is open after all")
    .action(async (remarkId: number, options) => {
      conclude(await (await import("./remarks.ts")).markRemark(remarkId, options, terminal));
    });
}

function addRoster(program: Command, terminal: Terminal, conclude: Conclude): void {
  const roster = program.command("roster").description("who holds which badge");
  for (const [name, write, description] of [
    ["check", false, "tell what an import would do, and every mistake in the file; change nothing"],
    ["import", true, "replace the roster by the file's, whole or not at all; stored scans are not touched"],
  ] as const) {
    roster
      .command(name)
      .description(description)
      .argument("[file]", "the roster's CSV file; without it the one that the configuration names")
      .option("-c, --config <file>", siteWords, defaultConfiguration)
      .option("--json", "for machines")
      .action(async (file: string | undefined, options: { readonly config: string; readonly json?: true }) => {
        const { rosterCommand } = await import("./roster.ts");
        conclude(
          await rosterCommand(
            { file: file ?? null, write, config: options.config, json: options.json === true },
            terminal,
          ),
        );
      });
  }
}

function addReader(program: Command, terminal: Terminal, conclude: Conclude): void {
  program
    .command("reader")
    .description("find out about a reader")
    .command("listen")
    .description("show what a reader sends and which settings fit it, ready to paste; stop with Ctrl-C")
    .argument("<port>", "the reader's port, such as /dev/serial/by-id/usb-…")
    .option("--baud <rate>", "bits per second", baudRate, 9600)
    .option("--seconds <count>", "stop by itself after this long", countFromOne)
    .option("--json", "for machines")
    .action(
      async (port: string, options: { readonly baud: number; readonly seconds?: number; readonly json?: true }) => {
        const { listenToReader } = await import("./reader.ts");
        conclude(
          await listenToReader(
            { port, baudRate: options.baud, seconds: options.seconds ?? null, json: options.json === true },
            terminal,
          ),
        );
      },
    );
}

function addSimulate(program: Command, terminal: Terminal, conclude: Conclude): void {
  const simulate = program.command("simulate").description("try a site without its hardware or before it goes live");
  simulate
    .command("service")
    .description("a service to register at, on this machine, with faults on demand")
    .option("--port <number>", "TCP port on 127.0.0.1, 0 for any that is free", tcpPort, 8480)
    .option("--receipt-limit <minutes>", "raise remark 32 from this delay on", wholeNumber)
    .option("--token <text>", "ask for this bearer token")
    .option("--client-id <id>", "have a token endpoint, and ask for its tokens; with --client-key")
    .option("--client-key <file>", "the client's public key: PEM or JSON Web Key (set)")
    .option("--registers <file>", "JSON: what the service finds out about declarations, enterprises and workers")
    .option("--settle-after <seconds>", "how long a registration is pending", wholeNumber, 30)
    .option("--calls-per-minute <number>", "refuse more calls than this with 429", wholeNumber)
    .option("--failed-per-minute <number>", "refuse all calls after this many failed ones with 429", wholeNumber)
    .action(async (options: SimulateServiceOptions) => {
      conclude(await (await import("./simulate.ts")).simulateService(options, terminal));
    });
  simulate
    .command("reader")
    .description("a reader on a pseudo-terminal; each line typed is a badge that is presented")
    .argument("<link>", "where the port appears, such as /tmp/reader; name the same path as `port` in the YAML file")
    .option("--driver <driver>", "serial-line or rdm6300", "serial-line")
    .action(async (link: string, options: { readonly driver: string }) => {
      conclude(await (await import("./simulate.ts")).simulateReader(link, options.driver, terminal));
    });
}

type Site = { readonly config?: string };

/** The file of a command that takes it as its argument: people who come from another command give it as an option. */
function siteOf(argument: string, { config }: Site): string {
  if (config === undefined || config === argument) return argument;
  if (argument === defaultConfiguration) return config;
  throw new BadgedError("usage", `two sites are named: ${argument} and ${config}`, "name one of them");
}

/** Never the site's own file for want of another: what is invented has no place in its store. */
function demonstrationOf(argument: string | undefined, { config }: Site): string {
  if (argument !== undefined) return siteOf(argument, config === undefined ? {} : { config });
  if (config !== undefined) return config;
  throw new BadgedError("usage", "the demonstration has no file", "name one, such as config/demo.yaml of the checkout");
}

function tcpPort(text: string): number {
  const port = wholeNumber(text);
  if (port > 65_535) throw new InvalidArgumentError("a port is 0 to 65535");
  return port;
}

function baudRate(text: string): number {
  const rate = wholeNumber(text);
  if (rate < 50 || rate > 4_000_000) throw new InvalidArgumentError("give bits per second, such as 9600");
  return rate;
}

function countFromOne(text: string): number {
  const count = wholeNumber(text);
  if (count < 1) throw new InvalidArgumentError("give 1 or more");
  return count;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("give a whole number");
  return Number(text);
}
