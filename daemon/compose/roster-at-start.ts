import { readFile } from "node:fs/promises";
import type { BadgeForm } from "../base/badge-form.ts";
import { isBoxFault, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { RosterStore } from "../scan/roster.ts";
import { checkedRosterFile } from "../scan/roster-file.ts";
import { rosterFingerprint } from "../scan/roster-fingerprint.ts";

/**
 * Imports the configured roster when its file is another one than at the last import. A roster that cannot be used never
 * keeps the daemon from starting: the one in force stays, and scans of badges it does not know are kept.
 *
 * @returns `later` when the store could not take it, for a full disk above all, or the disk did not give the file: the
 *   same import may succeed later
 */
export async function importRosterAtStart(
  settings: { readonly file: string; readonly badgeForm: BadgeForm },
  store: RosterStore,
  log: Log,
): Promise<"settled" | "later"> {
  let text: string;
  try {
    text = await readFile(checkedRosterFile(settings.file), "utf8");
  } catch (error) {
    log.error({ file: settings.file, detail: messageOf(error) }, "roster unreadable, the one in force stays");
    return isBoxFault(error) ? "later" : "settled";
  }
  const fingerprint = rosterFingerprint(text, settings.badgeForm);
  if ((await store.rosterFingerprint()) === fingerprint) return "settled";
  const { parseRoster } = await import("../scan/roster-csv.ts");
  const roster = parseRoster(text, settings.badgeForm);
  const [first] = roster.problems;
  if (first !== undefined) {
    const { line, column, message } = first;
    const fields = { file: settings.file, problems: roster.problems.length, line, column, detail: message };
    log.error(fields, "roster has mistakes, the one in force stays");
    return "settled";
  }
  try {
    const change = await store.replaceRoster(roster.entries, fingerprint);
    log.info({ badges: roster.entries.length, ...change }, "roster imported");
    return "settled";
  } catch (error) {
    // A full disk, which the worker at the gate has to be told of as well: by the readers, which open after this.
    const fields = { file: settings.file, detail: messageOf(error) };
    log.error(
      fields,
      "roster not imported, the one in force stays: tried again at night, or import it once the disk has room",
    );
    return "later";
  }
}

/** A roster that may have to be imported while badged runs. */
export interface RosterLater {
  maintain(): Promise<void>;
  /** A failure is logged, and the next night makes up for it. */
  reopened(): Promise<void>;
}

/**
 * Imports again after each nightly clean-up, which makes room, what the store could not take. So is a roster that was lost
 * with a damaged database, for until then its workers are strangers; that one at once, too.
 */
export function rosterLater(
  first: "settled" | "later",
  again: () => Promise<"settled" | "later">,
  store: Pick<RosterStore, "rosterFingerprint">,
  log: Log,
): RosterLater {
  let outcome = first;
  const maintain = async (): Promise<void> => {
    if (outcome === "later" || (await store.rosterFingerprint()) === null) outcome = await again();
  };
  return {
    maintain,
    async reopened() {
      try {
        await maintain();
      } catch (error) {
        log.error({ detail: messageOf(error) }, "roster not looked for after the database was opened again");
      }
    },
  };
}
