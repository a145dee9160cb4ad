import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Configuration } from "../../config/configuration.ts";
import type { Path } from "../../config/problem.ts";
import { isCredential } from "../../config/secret.ts";
import type { BadgeForm } from "../base/badge-form.ts";
import { belgianZone } from "../base/belgium.ts";
import { messageOf } from "../base/errors.ts";
import { isLoopback } from "../base/loopback.ts";
import { type WallMs, wallMs } from "../base/time.ts";
import { zonedText } from "../base/zoned-time.ts";
import { anchorerFaults } from "../compose/anchorers-at-start.ts";
import { isMisread } from "../scan/draft.ts";
import type { RosterEntry } from "../scan/roster.ts";
import { parseRoster } from "../scan/roster-csv.ts";
import { checkedRosterFile } from "../scan/roster-file.ts";
import { isOpenToOthers } from "../store/database-files.ts";
import { dateOf } from "./certificate-look.ts";
import { withCredentials } from "./credentials.ts";
import { unreadKeys } from "./key-checks.ts";
import { unreadableForOwner } from "./owner-checks.ts";
import { storeFaults } from "./store-faults.ts";

/** What a sound file leaves to be found at start, or later. */
export type StartFinding = {
  readonly path: Path;
  readonly message: string;
  /** Whether badged does not start with it; else it starts and something will not be as the site expects. */
  readonly keepsFromStarting: boolean;
};

/** What is asked of the box. */
export type StartSurroundings = {
  readonly now: WallMs;
  /** Names of what runs, as the kernel keeps them: the first fifteen characters. */
  readonly programs: () => readonly string[];
  readonly isThere: (path: string) => boolean;
};

/** Looks at what the files that a configuration names hold, and at what else runs on the box. Writes nothing, asks nobody. */
export function startFindings(
  configuration: Configuration,
  { now, programs, isThere }: StartSurroundings,
): readonly StartFinding[] {
  const faults = anchorerFaults(configuration.evidence).map(({ path, message, advice }) => ({
    path,
    message: `${message}; ${advice}`,
    keepsFromStarting: true,
  }));
  const later = [
    ...foreignZone(configuration, now),
    ...tokenless(configuration),
    ...unseenSecrets(configuration),
    ...absentReaders(configuration, isThere),
    ...exchangeableReaders(configuration),
    ...absentInterface(configuration, isThere),
    ...rosterFindings(configuration),
    ...(faults.length > 0 ? [] : expiredAuthority(configuration, now)),
  ];
  const unreadable = unreadableForOwner(configuration).map((found) => ({ ...found, keepsFromStarting: true }));
  return [...faults, ...unreadable, ...storeFindings(configuration), ...later, ...otherClockworks(programs())];
}

function storeFindings(configuration: Configuration): readonly StartFinding[] {
  const path = ["store", "directory"];
  const faults = storeFaults(configuration).map((message) => ({ path, message, keepsFromStarting: true }));
  return faults.length > 0 ? faults : openFolder(configuration);
}

function openFolder({ store: { directory } }: Configuration): readonly StartFinding[] {
  if (!mayOthersWriteIn(directory)) return [];
  const message = `${directory} may be written into by other users of this box, who could replace scans, evidence and its key: chmod 700 it`;
  return [{ path: ["store", "directory"], message, keepsFromStarting: false }];
}

function mayOthersWriteIn(directory: string): boolean {
  try {
    return isOpenToOthers(directory);
  } catch {
    // Whoever checks may not look there: no finding.
    return false;
  }
}

const halfYearMs = 182 * 24 * 60 * 60 * 1000;

/** A zone that tells the same time in summer and in winter is as good. */
function foreignZone({ site: { timeZone } }: Configuration, now: WallMs): readonly StartFinding[] {
  const isBelgian = [now, wallMs(now + halfYearMs)].every(
    (at) => zonedText(at, timeZone) === zonedText(at, belgianZone),
  );
  if (isBelgian) return [];
  const message = `is ${timeZone}, where clocks show another time than in Belgium: local times in reports, last days of remarks and the daily summary would be those of that place; write ${belgianZone}`;
  return [{ path: ["site", "timeZone"], message, keepsFromStarting: false }];
}

function tokenless({ service: { url, oauth, tokenFile } }: Configuration): readonly StartFinding[] {
  if (oauth !== null || tokenFile !== null || isLoopback(new URL(url).hostname)) return [];
  const message =
    "has neither oauth nor tokenFile: the RSZ's service registers nobody without a token; write oauth: { clientId: …, keyFile: … } (config/badged.example.yaml)";
  return [{ path: ["service"], message, keepsFromStarting: false }];
}

/** The daemon waits for a reader that is unplugged, and as patiently for one whose path has a slip of the pen. */
function absentReaders({ readers }: Configuration, isThere: StartSurroundings["isThere"]): readonly StartFinding[] {
  return readers.flatMap(({ port }, index) => {
    if (isThere(port)) return [];
    const message = `no device is at ${port} now: badged starts and waits for it, and nobody badges there meanwhile; plug the reader in, or correct the path (ls /dev/serial/by-id shows what is plugged in)`;
    return [{ path: ["readers", index, "port"], message, keepsFromStarting: false }];
  });
}

/** It is tried only while the usual way fails, and a name that is none leaves that outage ambiguous. */
function absentInterface(
  { outage: { secondInterface } }: Configuration,
  isThere: StartSurroundings["isThere"],
): readonly StartFinding[] {
  if (secondInterface === null || isThere(`/sys/class/net/${secondInterface}`)) return [];
  const message = `this box has no interface ${secondInterface} now, and an outage in which it cannot be tried stays ambiguous; correct the name (ip link shows them), or plug the modem in`;
  return [{ path: ["outage", "secondInterface"], message, keepsFromStarting: false }];
}

/** What the kernel calls USB adapters of a kind, in the order in which it finds them. */
const foundName = /^\/dev\/(tty(?:USB|ACM))\d+$/;

/** A reader that is mistaken for another is heard all the same, and its badges get the other's direction and place. */
function exchangeableReaders({ readers }: Configuration): readonly StartFinding[] {
  const kinds = readers.map(({ port }) => foundName.exec(port)?.[1] ?? null);
  return readers.flatMap(({ port }, index) => {
    const kind = kinds[index] ?? null;
    if (kind === null || !kinds.some((each, other) => each === kind && other !== index)) return [];
    const message = `${port} is a number in the order in which the box finds its adapters: after a plug or a boot it may be another reader, whose INs would be recorded as OUTs; write its path of /dev/serial/by-id or by-path, which stays`;
    return [{ path: ["readers", index, "port"], message, keepsFromStarting: false }];
  });
}

/** Outside of its unit badged has no credentials: what they hold is first read at the start, where nobody looks on. */
function unseenSecrets({ service, webhooks, evidence }: Configuration): readonly StartFinding[] {
  const named: readonly (readonly [path: Path, file: string | null])[] = [
    [["service", "tokenFile"], service.tokenFile],
    [["service", "oauth", "keyFile"], service.oauth?.keyFile ?? null],
    ...webhooks.map(({ tokenFile }, index) => [["webhooks", index, "tokenFile"], tokenFile] as const),
    [["evidence", "keyFile"], evidence.keyFile],
  ];
  return named.flatMap(([path, file]) => {
    if (file === null || !isCredential(file)) return [];
    const message = `is handed over by systemd to the service alone, and was not looked at; as root, ${withCredentials("check-config")} looks at it`;
    return [{ path, message, keepsFromStarting: false }];
  });
}

function rosterFindings({ roster: { file, badgeForm }, readers }: Configuration): readonly StartFinding[] {
  const path = ["roster", "file"];
  const consequence = "the roster in force stays, and without one every badge is unknown";
  let text: string;
  try {
    text = readFileSync(checkedRosterFile(file), "utf8");
  } catch (error) {
    return [{ path, message: `${messageOf(error)}; ${consequence}`, keepsFromStarting: false }];
  }
  const { problems, entries } = parseRoster(text, badgeForm);
  const [first] = problems;
  const open = openRoster(file);
  if (first === undefined) {
    return [
      ...open,
      ...misreadBadges(entries, readers, badgeForm),
      ...shortBadges(entries, readers, badgeForm),
      ...unreadKeys(entries, readers, badgeForm).map((found) => ({ ...found, keepsFromStarting: false })),
    ];
  }
  const { line, column, message } = first;
  const count = problems.length === 1 ? "a mistake" : `${problems.length} mistakes, the first`;
  const found = `has ${count} in line ${line}${column === "" ? "" : `, ${column}`}: ${message}`;
  return [
    ...open,
    { path, message: `${found}; ${consequence} (badged roster check ${file})`, keepsFromStarting: false },
  ];
}

function openRoster(file: string): readonly StartFinding[] {
  if (!mayEveryUserRead(file)) return [];
  const message = `may be read by every user of this box, and holds national numbers: chmod 640 ${file}, with the group that badged runs as`;
  return [{ path: ["roster", "file"], message, keepsFromStarting: false }];
}

/** Only where every folder above it lets others through as well. */
function mayEveryUserRead(file: string): boolean {
  if ((statSync(file).mode & 0o004) === 0) return false;
  for (let below = resolve(file), folder = dirname(below); folder !== below; below = folder, folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
  }
  return true;
}

function misreadBadges(
  entries: readonly RosterEntry[],
  readers: Configuration["readers"],
  form: BadgeForm,
): readonly StartFinding[] {
  return readers.flatMap(({ id, badge, keys, direction }, index) => {
    const rule = { id, ...badge, keys, otherwise: direction };
    const misread = entries.filter((entry) => isMisread(entry.badge, rule, form));
    const [first] = misread;
    if (first === undefined) return [];
    const count = misread.length === 1 ? "a badge" : `${misread.length} badges`;
    const why =
      form === "text"
        ? "that begin with one of its keys, which would be taken for pressed; choose another key"
        : `whose zeros a number in ${badge.encoding} does not tell; keep the roster in ${badge.encoding}, or let the reader send ${form}`;
    const message = `would never give ${count} of the roster (${first.badge}), ${why}`;
    return [{ path: ["readers", index, "badge"], message, keepsFromStarting: false }];
  });
}

/** Where other readers are as well, their cards have numbers of other lengths. */
function shortBadges(
  entries: readonly RosterEntry[],
  readers: Configuration["readers"],
  form: BadgeForm,
): readonly StartFinding[] {
  if (form !== "hex" || readers.some(({ driver }) => driver !== "rdm6300")) return [];
  const others = entries.filter(({ badge }) => badge.length !== rdm6300BadgeChars);
  const [first] = others;
  if (first === undefined) return [];
  const count = others.length === 1 ? "a badge" : `${others.length} badges`;
  const message = `has ${count} (${first.badge}) without the ${rdm6300BadgeChars} digits that every reader of this site sends, so nobody could badge with it; a spreadsheet leaves out zeros in front: write badges in a column of text`;
  return [{ path: ["roster", "file"], message, keepsFromStarting: false }];
}

/** Five bytes of an EM4100 tag. */
const rdm6300BadgeChars = 10;

function expiredAuthority({ evidence: { authority } }: Configuration, now: WallMs): readonly StartFinding[] {
  if (authority === null) return [];
  const certificates = readFileSync(authority.ca, "utf8").match(
    /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g,
  );
  return (certificates ?? []).flatMap((pem) => {
    const { validTo, subject } = new X509Certificate(pem);
    const until = dateOf(validTo);
    if (until === null || until >= now) return [];
    const name = subject.split("\n").at(-1) ?? "";
    return {
      path: ["evidence", "authority", "ca"],
      message: `the certificate ${name} in it ended on ${validTo}: no timestamp made after that is taken; get the authority's present one`,
      keepsFromStarting: false,
    };
  });
}

const timesyncd = "systemd-timesyn";

function otherClockworks(programs: readonly string[]): readonly StartFinding[] {
  if (!programs.includes(timesyncd)) return [];
  const message =
    "systemd-timesyncd runs on this box and bends its clock faster than any error bound counts with: install chrony, which replaces it (systemd/README.md)";
  return [{ path: ["clock", "systemClock"], message, keepsFromStarting: false }];
}

/** What runs on this box (proc(5)). */
export function runningPrograms(): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/comm`, "utf8").trim()];
      } catch {
        // It ended while this looked.
        return [];
      }
    });
}
