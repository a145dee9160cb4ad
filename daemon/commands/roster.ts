import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { counted } from "../base/counted.ts";
import { BadgedError, type ExitCode, exitCode, messageOf } from "../base/errors.ts";
import { systemTime } from "../base/system-time.ts";
import { localDate } from "../forward/ciao/remarks/deadline.ts";
import type { RosterChange } from "../scan/roster.ts";
import { type ParsedRoster, parseRoster } from "../scan/roster-csv.ts";
import { checkedRosterFile } from "../scan/roster-file.ts";
import { visitedConfiguration } from "./configuration.ts";
import type { Terminal } from "./terminal.ts";
import { visitStore } from "./visit.ts";

/** A file with a wrong column has a mistake on every line; the first ones tell enough. */
const problemsShownMax = 100;

export type RosterCommand = {
  /** `null` takes the file that the configuration names. */
  readonly file: string | null;
  readonly write: boolean;
  readonly config: string;
  readonly json: boolean;
};

/** `roster check` and `roster import`: the same checks, and the change that is or would be made. */
export async function rosterCommand(command: RosterCommand, terminal: Terminal): Promise<ExitCode> {
  const configuration = visitedConfiguration(command.config);
  const file = command.file ?? configuration.roster.file;
  const roster = parseRoster(readRosterFile(file), configuration.roster.badgeForm);
  if (roster.problems.length > 0) return tellProblems(file, roster, command.json, terminal);
  const change = command.write ? await imported(command.config, roster) : await planned(command.config, roster);
  if (command.json)
    terminal.out(JSON.stringify({ file, written: command.write, badges: roster.entries.length, ...change }));
  else terminal.out(`${file}: ${changeWords(change, command.write)}`);
  const today = localDate(systemTime.wallMs(), configuration.site.timeZone);
  const expired = roster.entries.filter(({ validUntil }) => validUntil !== null && validUntil < today).length;
  if (expired > 0) {
    terminal.err(
      `${counted(expired, "badge")} ${expired === 1 ? "is" : "are"} past valid_until: scans are registered all the same, with a warning. Renew the date, or take the worker off the roster.`,
    );
  }
  if (change.handedOn > 0) terminal.err(handedOnWords(change.handedOn));
  if (command.write && resolve(file) !== configuration.roster.file) {
    terminal.err(`The daemon reads ${configuration.roster.file} at its next start: put this roster there to keep it.`);
  }
  return exitCode.ok;
}

async function imported(config: string, { entries, fingerprint }: ParsedRoster): Promise<RosterChange> {
  await using site = await visitStore(config);
  return await site.store.replaceRoster(entries, fingerprint);
}

/** Before the first start there is no store, and every badge would be new. */
async function planned(config: string, { entries }: ParsedRoster): Promise<RosterChange> {
  try {
    await using site = await visitStore(config);
    return await site.store.planRoster(entries);
  } catch (error) {
    if (!(error instanceof BadgedError && error.code === "store-missing")) throw error;
    return { added: entries.length, changed: 0, removed: 0, unchanged: 0, handedOn: 0 };
  }
}

export function readRosterFile(file: string): string {
  try {
    return readFileSync(checkedRosterFile(file), "utf8");
  } catch (error) {
    throw new BadgedError(
      "roster-unreadable",
      `the roster ${file} cannot be read: ${messageOf(error)}`,
      "check the path and that the file may be read",
      {
        cause: error,
      },
    );
  }
}

function tellProblems(file: string, roster: ParsedRoster, json: boolean, terminal: Terminal): ExitCode {
  if (json) {
    terminal.out(JSON.stringify({ file, written: false, problems: roster.problems }));
    return exitCode.dataError;
  }
  for (const { line, column, message } of roster.problems.slice(0, problemsShownMax)) {
    terminal.err(`${file}:${line}: ${column === "" ? "" : `${column}: `}${message}`);
  }
  const rest = roster.problems.length - problemsShownMax;
  if (rest > 0) terminal.err(`… and ${rest} more`);
  terminal.err("Nothing was imported: the roster in force stays as it is until the whole file is right.");
  return exitCode.dataError;
}

function changeWords(change: RosterChange, written: boolean): string {
  const parts = [
    `${change.added} added`,
    `${change.changed} changed`,
    `${change.removed} removed`,
    `${change.unchanged} unchanged`,
  ];
  return `${written ? "imported" : "would change"}: ${parts.join(", ")}. Stored scans ${written ? "were" : "are"} not touched.`;
}

function handedOnWords(badges: number): string {
  const told =
    badges === 1
      ? "1 badge was another worker's before: its unknown scans stay unknown"
      : `${badges} badges were another worker's before: their unknown scans stay unknown`;
  return `${told} (badged scans list --state unknown-badge). Write in valid_from since when its holder has it.`;
}
