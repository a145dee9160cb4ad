import { type BadgeForm, normaliseBadge } from "../base/badge-form.ts";
import type { RosterEntry } from "./roster.ts";
import { readEntry } from "./roster-entry.ts";
import { rosterFingerprint } from "./roster-fingerprint.ts";
import { type Column, type RosterProblem, readRows } from "./roster-rows.ts";

/** A roster of a site is hundreds of badges; this bounds memory and the time an import may hold the database. */
export const rosterMaxBadges: number = 20_000;

export type ParsedRoster = {
  readonly entries: readonly RosterEntry[];
  readonly problems: readonly RosterProblem[];
  /** SHA-256 of the file and the badge form it was read with. */
  readonly fingerprint: string;
};

/**
 * Reads a roster: CSV with a header, comma, semicolon (as Belgian spreadsheets write it) or tab, UTF-8, with or without BOM.
 *
 * | column | |
 * | --- | --- |
 * | `badge` | in the form that the site's configuration names |
 * | `ssin` | national register or BIS number |
 * | `employer` or `foreign_vat` | exactly one |
 * | `avw_number`, `reference`, `valid_from`, `valid_until` | optional; dates as 2026-01-31 or 31/01/2026 |
 * | `kind` | optional: empty for an employee, else `self-employed`, `temporary`, `posted` |
 * | `limosa` | optional: reference of a posted worker's Limosa declaration |
 *
 * A file without a badge is one that was cut off, and a problem. All problems are told at once; an import uses the entries only when there is none.
 */
export function parseRoster(text: string, form: BadgeForm): ParsedRoster {
  const fingerprint = rosterFingerprint(text, form);
  // One more than are taken tells that there are too many.
  const rows = readRows(text, rosterMaxBadges + 1);
  if (!rows.ok) return { entries: [], problems: rows.problems, fingerprint };
  const problems: RosterProblem[] = [];
  const entries: RosterEntry[] = [];
  const lineOfBadge = new Map<string, number>();
  if (rows.rows.length > rosterMaxBadges) {
    problems.push({
      line: 1,
      column: "badge",
      message: `the file has more than ${rosterMaxBadges} badges, and no more are taken; remove workers who left`,
    });
  }
  for (const row of rows.rows.slice(0, rosterMaxBadges)) {
    const say = (column: Column, message: string): void => void problems.push({ line: row.line, column, message });
    const entry = readEntry(row, form, say);
    // Also where the row has another mistake: that one mended, the badge would still be there twice.
    const badge = normaliseBadge(row.field("badge"), form);
    const earlier = badge === null ? undefined : lineOfBadge.get(badge);
    if (earlier !== undefined) say("badge", `is on line ${earlier} too; a badge belongs to one worker`);
    if (badge !== null) lineOfBadge.set(badge, row.line);
    if (entry !== null) entries.push(entry);
  }
  return { entries, problems, fingerprint };
}
