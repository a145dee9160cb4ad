import { type Command, InvalidArgumentError } from "commander";
import { type RightfulCall, rightfulCalls } from "../../simulator/service/call-kind.ts";
import type { SimulateServiceOptions } from "../simulate.ts";
import { defaultConfiguration, type Terminal } from "../terminal.ts";
import { type Conclude, type Site, siteOf, siteWords, wholeNumber } from "./arguments.ts";

/** The way to the service. */
export function addService(program: Command, terminal: Terminal, conclude: Conclude): void {
  program
    .command("service")
    .description("the presence registration service and the way to it")
    .command("check")
    .description("try name, connection, certificate, clock, token and health, without registering anybody")
    .argument("[configuration]", siteWords, defaultConfiguration)
    .option("-c, --config <file>", "the same, as the other commands take it")
    .option("--json", "for machines")
    .action(async (file: string, options: Site & { readonly json?: true }) => {
      const { serviceCheck } = await import("../service-check.ts");
      conclude(await serviceCheck(siteOf(file, options), options.json === true, terminal));
    });
}

/** Who holds which badge. */
export function addRoster(program: Command, terminal: Terminal, conclude: Conclude): void {
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
        const { rosterCommand } = await import("../roster.ts");
        conclude(
          await rosterCommand(
            { file: file ?? null, write, config: options.config, json: options.json === true },
            terminal,
          ),
        );
      });
  }
}

/** What a reader sends. */
export function addReader(program: Command, terminal: Terminal, conclude: Conclude): void {
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
        const { listenToReader } = await import("../reader.ts");
        conclude(
          await listenToReader(
            { port, baudRate: options.baud, seconds: options.seconds ?? null, json: options.json === true },
            terminal,
          ),
        );
      },
    );
}

/** What stands in for the service and for a reader. */
export function addSimulate(program: Command, terminal: Terminal, conclude: Conclude): void {
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
    .option(
      "--missing-scope <call>",
      "answer 403 to register, get, search, history or cancel; may be repeated",
      rightful,
    )
    .option("--missing-permission <call>", "the same with the other reason for it", rightful)
    .action(async (options: SimulateServiceOptions) => {
      conclude(await (await import("../simulate.ts")).simulateService(options, terminal));
    });
  simulate
    .command("reader")
    .description("a reader on a pseudo-terminal; each line typed is a badge that is presented")
    .argument("<link>", "where the port appears, such as /tmp/reader; name the same path as `port` in the YAML file")
    .option("--driver <driver>", "serial-line or rdm6300", "serial-line")
    .action(async (link: string, options: { readonly driver: string }) => {
      conclude(await (await import("../simulate.ts")).simulateReader(link, options.driver, terminal));
    });
}

function rightful(text: string, before: readonly RightfulCall[] = []): readonly RightfulCall[] {
  const call = rightfulCalls.find((each) => each === text);
  if (call === undefined) throw new InvalidArgumentError(`the calls are ${rightfulCalls.join(", ")}`);
  return [...before, call];
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
