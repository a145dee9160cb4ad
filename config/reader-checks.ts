import { type BadgeForm, derivable } from "../daemon/base/badge-form.ts";
import { absolute, type Location } from "./location.ts";
import { pathText, quoted } from "./problem.ts";
import { badgeForms, readerDefaults } from "./schema/reader.ts";
import type { Surroundings } from "./surroundings.ts";
import { type Consequence, repeats, type Values } from "./unchecked-values.ts";

/** Readers against each other, against the roster, and against what their own settings say. */
export function readerChecks(root: Values, location: Location, surroundings: Surroundings): readonly Consequence[] {
  const readers = root.list("readers");
  return [
    ...sameIds(readers),
    ...samePorts(readers, location, surroundings),
    ...readers.flatMap(pathlessPort),
    ...readers.flatMap(foreignEncoding),
    ...readers.flatMap((reader) => underivable(reader, root)),
    ...readers.flatMap(collidingKeys),
  ];
}

function sameIds(readers: readonly Values[]): readonly Consequence[] {
  return repeats(
    readers,
    "id",
    (id) => id,
    (first) =>
      `is the id of ${pathText(first.path)} too, so their scans could not be told apart; give each reader its own`,
  );
}

function samePorts(readers: readonly Values[], location: Location, surroundings: Surroundings): readonly Consequence[] {
  return repeats(
    readers,
    "port",
    (port) => surroundings.deviceOf(absolute(port, location)),
    (first) => {
      const name = quoted(first.text("id") ?? pathText(first.path));
      return `is the port of reader ${name} too, so whichever opens it first gets all badges; give each reader its own /dev/serial/by-id/… path`;
    },
  );
}

function pathlessPort(reader: Values): readonly Consequence[] {
  const port = reader.text("port");
  if (port === null || port.includes("/")) return [];
  const message =
    "is not the path of a device, so the reader would never be found; write /dev/serial/by-id/… (ls /dev/serial/by-id shows what is plugged in)";
  return [{ path: [...reader.path, "port"], message }];
}

function encodingOf(reader: Values): BadgeForm | null {
  return reader.child("badge").form("encoding", readerDefaults.encoding);
}

function foreignEncoding(reader: Values): readonly Consequence[] {
  const encoding = encodingOf(reader);
  if (reader.text("driver") !== "rdm6300" || encoding === null || encoding === "hex") return [];
  const message =
    "is not what an RDM6300 sends, so every badge at this reader would be unknown; write hex, or remove the line";
  return [{ path: [...reader.path, "badge", "encoding"], message }];
}

function underivable(reader: Values, root: Values): readonly Consequence[] {
  const encoding = encodingOf(reader);
  const wanted = root.child("roster").form("badgeForm", null);
  if (encoding === null || wanted === null || derivable(encoding, wanted)) return [];
  const possible = badgeForms.filter((form) => derivable(encoding, form)).join(", ");
  const message =
    `is ${encoding}, from which the roster's ${wanted} cannot be worked out, so every badge at this reader would be unknown; ` +
    `keep the roster in one of ${possible}, or let the reader send another form`;
  return [{ path: [...reader.path, "badge", "encoding"], message }];
}

/** Characters of which a badge number in this form is made; `null` for `text`, which may be made of any. */
const badgeCharacters: Readonly<Record<BadgeForm, RegExp | null>> = {
  hex: /^[0-9A-Fa-f]+$/,
  wiegand26: /^[0-9A-Fa-f]+$/,
  decimal: /^[0-9]+$/,
  "8H10D": /^[0-9]+$/,
  "3D5D": /^[0-9,.]+$/,
  text: null,
};

function collidingKeys(reader: Values): readonly Consequence[] {
  const encoding = encodingOf(reader);
  const characters = encoding === null ? null : badgeCharacters[encoding];
  if (characters === null) return [];
  const keys = reader.child("keys");
  return keys
    .keys()
    .filter((key) => characters.test(key))
    .map((key) => ({
      path: [...keys.path, key],
      message: `can be the beginning of a badge number in ${encoding}: such a badge would lose it and be unknown; choose a key of other characters, such as I or O`,
    }));
}
