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
      const taken = sent.map((text) => badgeOf(key + text));
      if (taken.every((text, each) => text === `${key}${sent[each]}`)) return [];
      const consequence = taken.includes(null)
        ? `does not match a badge with the key ${key} in front: whoever presses it is not recorded`
        : `leaves the key ${key} out of its group badge: whoever presses it is recorded as if he had not`;
      const message = `${consequence}; let the group take it, as in (?<badge>${key}?…), or remove the key`;
      return [{ path: ["readers", index, "frame", "pattern"], message }];
    });
  });
}
