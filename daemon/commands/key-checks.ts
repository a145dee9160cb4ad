import type { Configuration } from "../../config/configuration.ts";
import type { Path } from "../../config/problem.ts";
import { createBadgePattern } from "../../drivers/serial/badge-pattern.ts";
import { type BadgeForm, convertBadge } from "../base/badge-form.ts";
import type { RosterEntry } from "../scan/roster.ts";

/** Badges of the roster that are tried: one shows it where all have one length, and cards of a site have few lengths. */
const triedMax = 20;

/** Keys that a reader's pattern does not let through, shown with badges of the roster that it takes by themselves. */
export function unreadKeys(
  entries: readonly RosterEntry[],
  readers: Configuration["readers"],
  form: BadgeForm,
): readonly { readonly path: Path; readonly message: string }[] {
  return readers.flatMap((reader, index) => {
    const { badge, keys } = reader;
    if (reader.driver !== "serial-line" || reader.frame.pattern === null || keys.size === 0) return [];
    const badgeOf = createBadgePattern(reader.frame.pattern);
    const sent = entries.slice(0, triedMax).flatMap((entry) => {
      const text = convertBadge(entry.badge, form, badge.byteOrder, badge.encoding);
      return text !== null && badgeOf(text) === text ? [text] : [];
    });
    return [...keys.keys()].flatMap((key) => {
      const consequence = consequenceOf(key, sent, badgeOf);
      if (consequence === null) return [];
      const message = `${consequence}; let the group take it, as in (?<badge>(?:${escaped(key)})?…), or remove the key`;
      return [{ path: ["readers", index, "frame", "pattern"], message }];
    });
  });
}

/** Of the first badge that is not taken with the key: a pattern may need its whole time for each. */
function consequenceOf(key: string, sent: readonly string[], badgeOf: (text: string) => string | null): string | null {
  for (const text of sent) {
    const taken = badgeOf(key + text);
    if (taken === null)
      return `does not match a badge with the key ${key} in front: whoever presses it is not recorded`;
    if (taken === text) {
      return `leaves the key ${key} out of its group badge: whoever presses it is recorded as if he had not`;
    }
    if (taken !== key + text) {
      return `does not take the whole badge with the key ${key} in front: whoever presses it is recorded under another badge`;
    }
  }
  return null;
}

/** A key of signs, such as * of a keypad, as a regular expression matches it. */
function escaped(key: string): string {
  return key.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
