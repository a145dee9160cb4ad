import { readFileSync } from "node:fs";
import { counted } from "../base/counted.ts";
import { type ExitCode, exitCode } from "../base/errors.ts";
import { systemTime, utcText } from "../base/system-time.ts";
import { wallMs } from "../base/time.ts";
import { type Note, parseNote } from "../evidence/verify/checkpoint-note.ts";
import { failureText, named, printable } from "../evidence/verify/failure.ts";
import {
  fingerprintOf,
  type PublicKey,
  parseLogKey,
  parseWitnessKey,
  type WitnessKey,
} from "../evidence/verify/public-key.ts";
import { readBundle } from "../evidence/verify/read-bundle.ts";
import type { TokenVerifier } from "../evidence/verify/time-bounds.ts";
import { tokenVerifierFor } from "../evidence/verify/token-check.ts";
import {
  type Bounds,
  type BundleReport,
  statusOf,
  type Verdict,
  type WindowReport,
} from "../evidence/verify/verdict.ts";
import { type Trust, unreadable, verifyBundle } from "../evidence/verify/verify-bundle.ts";
import type { Terminal } from "./terminal.ts";

export type EvidenceVerifyOptions = {
  readonly key?: string;
  readonly tsaCa?: string;
  readonly witness?: readonly string[];
  readonly witnessHead?: string;
  readonly json?: true;
};

const exitCodes = { 0: exitCode.ok, 1: exitCode.failed, 2: exitCode.notChecked } as const;

/** Checks a bundle: exit 0 verified, 1 not verified, 2 when something that was asked for could not be checked. */
export function verifyEvidence(bundle: string, options: EvidenceVerifyOptions, terminal: Terminal): ExitCode {
  const trust = trustOf(options);
  if (typeof trust === "string") return couldNotCheck(trust, terminal);
  const read = readBundle(bundle);
  if (typeof read === "string") return couldNotCheck(read, terminal);
  const report = read.ok ? verifyBundle(read.files, trust) : unreadable([read.failure]);
  if (options.json === true) terminal.out(JSON.stringify(documentOf(report)));
  else for (const line of linesOf(report, trust.key)) terminal.out(line);
  return exitCodes[statusOf(report)];
}

function couldNotCheck(why: string, terminal: Terminal): ExitCode {
  terminal.err(`badged: could not check: ${why}`);
  return exitCode.notChecked;
}

/** What the caller trusts, or what cannot be read of it. */
function trustOf({ key, tsaCa, witness = [], witnessHead }: EvidenceVerifyOptions): Trust | string {
  let logKey: PublicKey | null = null;
  if (key !== undefined) {
    const text = textOrFile(key, "ed25519:");
    logKey = text === null ? null : parseLogKey(text);
    if (logKey === null) return `--key ${key} is no key ed25519:… and no file that holds one`;
  }
  let verifyToken: TokenVerifier | null = null;
  if (tsaCa !== undefined) {
    const pem = contentOf(tsaCa)?.toString("utf8") ?? null;
    verifyToken = pem === null ? null : tokenVerifierFor(pem);
    if (verifyToken === null) return `--tsa-ca ${tsaCa} is no file with the authority's root certificate in PEM`;
  }
  const witnesses: WitnessKey[] = [];
  for (const each of witness) {
    const text = parseWitnessKey(each) === null ? (contentOf(each)?.toString("utf8") ?? "") : each;
    const parsed = parseWitnessKey(text);
    if (parsed === null) return `--witness ${each} is no key NAME+ID+KEY and no file that holds one`;
    witnesses.push(parsed);
  }
  let head: Note | null = null;
  if (witnessHead !== undefined) {
    const bytes = contentOf(witnessHead);
    head = bytes === null ? null : parseNote(bytes);
    if (head === null) return `--witness-head ${witnessHead} is no file with a checkpoint`;
  }
  return { key: logKey, verifyToken, witnesses, head, nowMs: systemTime.wallMs() };
}

function textOrFile(text: string, prefix: string): string | null {
  return text.startsWith(prefix) ? text : (contentOf(text)?.toString("utf8") ?? null);
}

function contentOf(file: string): Buffer | null {
  try {
    return readFileSync(file);
  } catch {
    return null;
  }
}

const verdictNames = ["integrity", "time", "uniqueness", "cause"] as const;

function linesOf(report: BundleReport, key: PublicKey | null): readonly string[] {
  const log =
    report.origin === null ? [] : [`log          ${printable(report.origin)}, ${counted(report.records, "record")}`];
  return [
    ...log,
    ...(key === null ? [] : [`key          ${fingerprintOf(key)}`]),
    ...verdictNames.flatMap((name) => verdictLines(name.toUpperCase(), report[name])),
    ...report.windows.flatMap(windowLines),
  ];
}

const failuresShownMax = 20;

function verdictLines(name: string, { finding, because, failures }: Verdict): readonly string[] {
  const [first, ...others] = [...failures.slice(0, failuresShownMax).map(failureText), ...because];
  const left = failures.length - failuresShownMax;
  return [
    `${name.padEnd(12)} ${finding}${first === undefined ? "" : `: ${first}`}`,
    ...others.map((each) => `${"".padEnd(13)}${each}`),
    ...(left > 0 ? [`${"".padEnd(13)}and ${left} more`] : []),
  ];
}

function windowLines({ id, causes, exemption, claimed, proven, notProven }: WindowReport): readonly string[] {
  const line = (name: string, text: string): string => `  ${name.padEnd(12)}${text}`;
  const end = (bounds: Bounds): string => (bounds.end === null ? "not ended" : betweenText(bounds.end));
  return [
    "",
    `window ${named(id)}: ${causes.map(named).join(", then ")} (${named(exemption)})`,
    line("began", `claimed ${betweenText(claimed.start)}`),
    line("", `proven  ${betweenText(proven.start)}`),
    line("ended", `claimed ${end(claimed)}`),
    line("", `proven  ${end(proven)}`),
    line("not proven", notProven[0] ?? ""),
    ...notProven.slice(1).map((each) => line("", each)),
  ];
}

function betweenText([from, to]: readonly [number | null, number | null]): string {
  if (from === null && to === null) return "at a time that nothing bounds";
  if (from === null) return `not later than ${timeText(to)}`;
  return to === null ? `not before ${timeText(from)}` : `between ${timeText(from)} and ${timeText(to)}`;
}

/** A log of somebody else may claim a moment that no calendar has. */
function timeText(atMs: number | null): string {
  return atMs === null || atMs > 8.64e15 ? "?" : utcText(wallMs(atMs));
}

function documentOf(report: BundleReport): object {
  const verdict = ({ finding, because, failures }: Verdict): object => ({ finding, because, failures });
  return {
    status: statusOf(report),
    origin: report.origin,
    records: report.records,
    integrity: verdict(report.integrity),
    time: verdict(report.time),
    uniqueness: verdict(report.uniqueness),
    cause: verdict(report.cause),
    windows: report.windows,
  };
}
