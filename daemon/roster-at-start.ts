import { readFile } from "node:fs/promises";
import type { BadgeForm } from "./base/badge-form.ts";
import { messageOf } from "./base/errors.ts";
import type { Log } from "./base/log.ts";
import type { RosterStore } from "./scan/roster.ts";
import { rosterFingerprint } from "./scan/roster-fingerprint.ts";

/**
 * Imports the configured roster when its file is another one than at the last import. A roster that cannot be used never
 * keeps the daemon from starting: the one in force stays, and scans of badges it does not know are kept.
 */
export async function importRosterAtStart(
  settings: { readonly file: string; readonly badgeForm: BadgeForm },
  store: RosterStore,
  log: Log,
): Promise<void> {
  let text: string;
  try {
    text = await readFile(settings.file, "utf8");
  } catch (error) {
    log.error({ file: settings.file, detail: messageOf(error) }, "roster unreadable, the one in force stays");
    return;
  }
  const fingerprint = rosterFingerprint(text, settings.badgeForm);
  if ((await store.rosterFingerprint()) === fingerprint) return;
  const { parseRoster } = await import("./scan/roster-csv.ts");
  const roster = parseRoster(text, settings.badgeForm);
  const [first] = roster.problems;
  if (first !== undefined) {
    const { line, column, message } = first;
    const fields = { file: settings.file, problems: roster.problems.length, line, column, detail: message };
    log.error(fields, "roster has mistakes, the one in force stays");
    return;
  }
  try {
    const change = await store.replaceRoster(roster.entries, fingerprint);
    log.info({ badges: roster.entries.length, ...change }, "roster imported");
  } catch (error) {
    // A full disk, which the worker at the gate has to be told of as well: by the readers, which open after this.
    const fields = { file: settings.file, detail: messageOf(error) };
    log.error(fields, "roster not imported, the one in force stays: import it, or restart, once the disk has room");
  }
}
