import { type BadgeForm, type ByteOrder, convertBadge } from "../base/badge-form.ts";
import type { Badge, Direction, DirectionRule } from "./scan.ts";

/** How the badges of one reader are to be read. */
export type BadgeReading = {
  readonly id: string;
  /** What the reader sends. */
  readonly encoding: BadgeForm;
  readonly byteOrder: ByteOrder;
};

/** What the site says of one reader. */
export type ReaderRule = BadgeReading & {
  /** Keys a worker may press before badging, in front of the badge's characters. */
  readonly keys: ReadonlyMap<string, Direction>;
  /** The rule when no key was pressed. */
  readonly otherwise: DirectionRule;
  readonly workSiteId: number;
};

export type ReadBadge = {
  readonly badge: Badge;
  readonly rule: DirectionRule;
  /** False when the characters are not of the form the reader is said to send: a wrong setting, or a foreign badge. */
  readonly understood: boolean;
};

/** Marks a number that could not be brought into the roster's form; no roster number begins with it. */
export const foreignMark: string = "?";

/** Splits off a direction key and brings the badge into the roster's form. A badge that is not understood is kept as it came. */
export function readBadge(text: string, reader: Omit<ReaderRule, "workSiteId">, rosterForm: BadgeForm): ReadBadge {
  const key = [...reader.keys.keys()]
    .filter((each) => text.startsWith(each) && text.length > each.length)
    .sort((left, right) => right.length - left.length)[0];
  const pressed = key === undefined ? undefined : reader.keys.get(key);
  const raw = key === undefined ? text : text.slice(key.length);
  const number = badgeNumber(raw, reader, rosterForm);
  return {
    badge: { raw, number },
    rule: pressed === undefined ? reader.otherwise : { kind: "fixed", direction: pressed },
    understood: number !== `${foreignMark}${raw}`,
  };
}

/** What a reader sent, without a direction key, in the roster's form; marked as foreign when it cannot be. */
export function badgeNumber(raw: string, { encoding, byteOrder }: BadgeReading, rosterForm: BadgeForm): string {
  return convertBadge(raw, encoding, byteOrder, rosterForm) ?? `${foreignMark}${raw}`;
}

/**
 * Whether this reader would never give a badge of the roster as the roster writes it. A decimal number says nothing of its
 * leading zeros, so that the hexadecimal one of `00 0063E9AE` comes back shorter; a text may begin with a direction key.
 *
 * @returns false also where the roster holds fewer bits than the reader sends, and nobody knows what it sends for this badge
 */
export function isMisread(rosterBadge: string, reader: Omit<ReaderRule, "workSiteId">, rosterForm: BadgeForm): boolean {
  const sent = convertBadge(rosterBadge, rosterForm, reader.byteOrder, reader.encoding);
  return sent !== null && readBadge(sent, reader, rosterForm).badge.number !== rosterBadge;
}
