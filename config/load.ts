import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import * as v from "valibot";
import { counted } from "../daemon/base/counted.ts";
import { isBoxFault, messageOf, systemCode } from "../daemon/base/errors.ts";
import { isForbidden } from "../daemon/base/permission.ts";
import type { Configuration } from "./configuration.ts";
import { crossChecks } from "./cross-checks.ts";
import { absolute, type Location, secretFile } from "./location.ts";
import { type Finding, type Path, type Position, type Problem, problem, quoted } from "./problem.ts";
import { type Document, documentSchema } from "./schema/document.ts";
import { type Surroundings, thisBox } from "./surroundings.ts";
import { type Survey, survey } from "./survey.ts";
import { readYaml, type YamlFile } from "./yaml-tree.ts";

export type { Configuration } from "./configuration.ts";
export type { Problem } from "./problem.ts";

export type Loaded =
  | {
      readonly ok: true;
      readonly configuration: Configuration;
      /** What only the whole program can see to be wrong, where it stands in the file. */
      readonly problemAt: (path: Path, message: string) => Problem;
    }
  | {
      readonly ok: false;
      /** `disk-failed` where nothing that is written is known to be wrong: the same files may do at the next try. */
      readonly code: "configuration-invalid" | "disk-failed";
      /** In the order of the file; at least one. */
      readonly problems: readonly Problem[];
    };

type Failed = Extract<Loaded, { readonly ok: false }>;

/** The example with every key commented is a tenth of this. Characters. */
export const configurationMaxChars: number = 131_072;

/** What stands where bytes were no UTF-8, as in a name that an old editor wrote, and in all of a file in UTF-16. */
const notUtf8: RegExp = /[\ufffd\0]/;

/** A file that is no configuration at all gives thousands; the first ones tell enough. */
export const problemsMax: number = 100;

/** Reads and checks a configuration; every problem of the file comes in one pass. Never throws for what the file holds. */
export function loadConfiguration(file: string, surroundings: Surroundings = thisBox()): Loaded {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (!isBoxFault(error)) return failed(file, whyUnread(file, error));
    const message = `cannot be read from its disk: ${messageOf(error)}; look at the disk or card it is on`;
    return { ...failed(file, message), code: "disk-failed" };
  }
  return parseConfiguration(text, file, surroundings);
}

function whyUnread(file: string, error: unknown): string {
  if (isForbidden(error)) {
    return `may not be read by this user: run it as the one that badged runs as (as root: runuser -u badged -- badged …), whose group has to be allowed to read it (chgrp badged ${file}; chmod 640 ${file})`;
  }
  const words = systemCode(error) === "ENOENT" ? "there is no such file" : `cannot be read: ${messageOf(error)}`;
  return `${words}; name the site's YAML file with -c, or in BADGED_CONFIG`;
}

/** @param file names the text in problems, and its folder is where relative paths start */
export function parseConfiguration(text: string, file: string, surroundings: Surroundings = thisBox()): Loaded {
  if (text.length > configurationMaxChars) {
    return failed(file, `has more than ${configurationMaxChars} characters, which no configuration has`);
  }
  const foreign = text.search(notUtf8);
  if (foreign >= 0) {
    const before = text.slice(0, foreign).split("\n");
    const at = { line: before.length, col: (before.at(-1)?.length ?? 0) + 1 };
    return failed(file, "has characters that are no UTF-8; save it as UTF-8", at);
  }
  const yaml = readYaml(text.replace(/^\ufeff/, ""));
  if (yaml.root === null) {
    const empty = "is empty; start from config/badged.example.yaml";
    return yaml.findings.length === 0 ? failed(file, empty) : refused(file, yaml, yaml.findings);
  }
  const location: Location = {
    folder: dirname(resolve(file)),
    credentialsDirectory: surroundings.credentialsDirectory,
  };
  const surveyed = survey(yaml.root, documentSchema);
  const checked = v.safeParse(documentSchema, surveyed.value);
  const issues = checked.success ? [] : checked.issues;
  // A key stands in the path of what is wrong with it, and in another file it may be anybody's name or number.
  const findings = yaml.findings.filter(({ path }) => !surveyed.isForeign || path.length === 0);
  addNew(findings, surveyed.findings);
  addNew(
    findings,
    issues.flatMap((issue) => fromIssue(issue, surveyed, yaml)),
  );
  const consequences = crossChecks(surveyed.value, location, surroundings);
  addNew(
    findings,
    consequences.map((each) => ({ ...each, start: startOf(each.path, surveyed) })),
  );
  if (!checked.success || findings.length > 0) return refused(file, yaml, findings);
  const fingerprint = createHash("sha256").update(text).digest("hex");
  return {
    ok: true,
    configuration: resolved(checked.output, resolve(file), fingerprint, location),
    problemAt: (path, message) => problem(file, yaml.positionOf(startOf(path, surveyed)), path, message),
  };
}

function resolved(document: Document, file: string, fingerprint: string, location: Location): Configuration {
  const token = (written: string | null): string | null => (written === null ? null : secretFile(written, location));
  const { oauth } = document.service;
  return {
    ...document,
    file,
    fingerprint,
    store: { ...document.store, directory: absolute(document.store.directory, location) },
    roster: { ...document.roster, file: absolute(document.roster.file, location) },
    readers: document.readers.map((reader) => ({ ...reader, port: absolute(reader.port, location) })),
    service: {
      ...document.service,
      tokenFile: token(document.service.tokenFile),
      oauth: oauth === null ? null : { ...oauth, keyFile: secretFile(oauth.keyFile, location) },
    },
    evidence: {
      ...document.evidence,
      keyFile: token(document.evidence.keyFile),
      authority:
        document.evidence.authority === null
          ? null
          : { ...document.evidence.authority, ca: absolute(document.evidence.authority.ca, location) },
    },
    webhooks: document.webhooks.map((webhook) => ({ ...webhook, tokenFile: token(webhook.tokenFile) })),
  };
}

/** Adds what is about a place that has no finding yet: the first reason given for a value is the one to mend. */
function addNew(findings: Finding[], more: readonly Finding[]): void {
  const key = ({ path, start }: Finding): string => JSON.stringify([path, start]);
  const told = new Set(findings.map(key));
  for (const finding of more) {
    if (told.has(key(finding))) continue;
    told.add(key(finding));
    findings.push(finding);
  }
}

/** Values that are never shown: people paste tokens and passwords into them. */
const hidden: ReadonlySet<string | number | undefined> = new Set(["tokenFile", "url", "keyFile", "tokenUrl"]);

function fromIssue(issue: v.BaseIssue<unknown>, surveyed: Survey, yaml: YamlFile): readonly Finding[] {
  const path = pathOf(issue);
  const start = startOf(path, surveyed);
  const last = issue.path?.at(-1);
  if (last?.type === "object" && last.origin === "key" && issue.input === undefined) {
    // It may stand in the part that could not be read.
    if (yaml.understoodTo !== null) return [];
    return [{ path, start, message: `is missing. ${issue.message}` }];
  }
  const standsAlone = issue.type === "check" || issue.type === "raw_check";
  if (standsAlone) return [{ path, start, message: issue.message }];
  const found = hidden.has(path.at(-1)) ? "cannot be used" : `is ${inWords(writtenIn(issue))}`;
  const quotes = isQuotedNumber(issue) ? ", without quotation marks" : "";
  return [{ path, start, message: `${found}; expected ${issue.message}${quotes}` }];
}

function isQuotedNumber(issue: v.BaseIssue<unknown>): boolean {
  const value = writtenIn(issue);
  const isNumber = typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value);
  return isNumber && (issue.type === "number" || (issue.type === "picklist" && /\d$/.test(issue.message)));
}

function pathOf(issue: v.BaseIssue<unknown>): Path {
  return (issue.path ?? []).map(({ key }) => (typeof key === "number" ? key : String(key)));
}

/** What stands in the file, not what a transformation has made of it. */
function writtenIn(issue: v.BaseIssue<unknown>): unknown {
  const last = issue.path?.at(-1);
  return last === undefined || last.origin === "key" ? issue.input : last.value;
}

function inWords(value: unknown): string {
  if (value === null || value === undefined) return "empty";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  if (typeof value === "object")
    return Object.keys(value).length === 0 ? "a section" : `a section of ${Object.keys(value).length}`;
  return typeof value === "string" ? quoted(value) : String(value);
}

/** Where the value begins; where it is missing, the key of what should hold it. */
function startOf(path: Path, surveyed: Survey): number {
  const spot = surveyed.placeOf(path);
  if (spot !== null) return spot.valueStart;
  for (let length = path.length - 1; length >= 0; length -= 1) {
    const holder = surveyed.placeOf(path.slice(0, length));
    if (holder !== null) return holder.keyStart;
  }
  return 0;
}

function refused(file: string, yaml: YamlFile, findings: readonly Finding[]): Failed {
  const { understoodTo } = yaml;
  // What follows was read by guessing; from there on only the YAML itself is told.
  const certain = findings.filter(
    (each) => understoodTo === null || each.start < understoodTo || yaml.findings.includes(each),
  );
  const ordered = certain.toSorted((left, right) => left.start - right.start);
  const problems = ordered
    .slice(0, problemsMax)
    .map(({ start, path, message }) => problem(file, yaml.positionOf(start), path, message));
  const rest = ordered.length - problems.length;
  if (rest > 0) problems.push(problem(file, { line: 1, col: 1 }, [], `has ${counted(rest, "more problem")}`));
  const isDisk = ordered.every((each) => each.isBoxFault === true);
  return { ok: false, code: isDisk ? "disk-failed" : "configuration-invalid", problems };
}

function failed(file: string, message: string, at: Position = { line: 1, col: 1 }): Failed {
  return { ok: false, code: "configuration-invalid", problems: [problem(file, at, [], message)] };
}
