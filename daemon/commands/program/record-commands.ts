import { type Command, Option } from "commander";
import type { ReleaseOptions } from "../scans.ts";
import { defaultConfiguration, type Terminal } from "../terminal.ts";
import { type Conclude, csvWords, languageWords, siteWords, wholeNumber } from "./arguments.ts";

/** What was badged. */
export function addScans(program: Command, terminal: Terminal, conclude: Conclude): void {
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
      conclude(await (await import("../scans.ts")).listScans(options, terminal));
    });
  scans
    .command("show")
    .description("show all that is known of one scan")
    .argument("<scan>", "its number", wholeNumber)
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .option("--json", "for machines")
    .action(async (scanId: number, options: { readonly config: string; readonly json?: true }) => {
      conclude(await (await import("../scans.ts")).showScan(scanId, options.config, options.json === true, terminal));
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
      conclude(await (await import("../scans.ts")).releaseScans(scanIds, options, terminal));
    });
}

/** When registrations could not be made. */
export function addOutages(program: Command, terminal: Terminal, conclude: Conclude): void {
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
    conclude(await (await import("../outages.ts")).listOutages(options, terminal));
  });
  withPeriod(
    outages
      .command("export")
      .description(
        "every window of a period with all that belongs to it, one JSON document a line; with --csv the table of list",
      ),
  ).action(async (options) => {
    conclude(await (await import("../outages.ts")).exportOutages(options, terminal));
  });
  outages
    .command("show")
    .description("one window: when, why, exempt or not, and the procedure's steps in order")
    .argument("<window>", "its number", wholeNumber)
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .option("--lang <language>", languageWords)
    .option("--json", "for machines")
    .action(async (windowId: number, options) => {
      conclude(await (await import("../outages.ts")).showOutage(windowId, options, terminal));
    });
  outages
    .command("note")
    .description("add words to a window; nothing that was added is ever replaced")
    .argument("<window>", "its number", wholeNumber)
    .argument("<text>", "what to remember")
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .action(async (windowId: number, text: string, options: { readonly config: string }) => {
      const { addToOutage } = await import("../outages.ts");
      conclude(await addToOutage(windowId, { kind: "note", text }, options.config, terminal));
    });
  outages
    .command("attach")
    .description("add a file of somebody else, such as the provider's ticket, by its hash")
    .argument("<window>", "its number", wholeNumber)
    .argument("<file>", "the file; it stays where it is")
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .action(async (windowId: number, file: string, options: { readonly config: string }) => {
      const { addToOutage, attachmentOf } = await import("../outages.ts");
      conclude(await addToOutage(windowId, attachmentOf(file), options.config, terminal));
    });
  outages
    .command("attempt")
    .description(
      "record that somebody tried to register over another channel: as one that failed, unless --worked is given",
    )
    .argument("<window>", "its number", wholeNumber)
    .argument("<channel>", 'such as "online service, telephone"')
    .option("--worked", "the registration was made")
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .action(async (windowId: number, channel: string, options: { readonly config: string; readonly worked?: true }) => {
      const { addToOutage } = await import("../outages.ts");
      const entry = { kind: "attempt", channel, worked: options.worked === true } as const;
      conclude(await addToOutage(windowId, entry, options.config, terminal));
    });
}

/** What the service remarked on registrations. */
export function addRemarks(program: Command, terminal: Terminal, conclude: Conclude): void {
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
      conclude(await (await import("../remarks.ts")).listRemarks(options, terminal));
    });
  remarks
    .command("show")
    .description("one remark: the published text, cause and action, what it means, who acts, until when")
    .argument("<remark>", "its number in the list", wholeNumber)
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .option("--lang <language>", languageWords)
    .option("--json", "for machines")
    .action(async (remarkId: number, options) => {
      conclude(await (await import("../remarks.ts")).showRemark(remarkId, options, terminal));
    });
  remarks
    .command("done")
    .description("say that a remark was dealt with; it stays, and so does everything that was said of it")
    .argument("<remark>", "its number in the list", wholeNumber)
    .option("-c, --config <file>", siteWords, defaultConfiguration)
    .option("--note <text>", "what was done; no national numbers")
    .option("--undo", "it is open after all")
    .action(async (remarkId: number, options) => {
      conclude(await (await import("../remarks.ts")).markRemark(remarkId, options, terminal));
    });
}
