import { counted } from "../../base/counted.ts";
import type { BundleFiles } from "./bundle-files.ts";
import { checkCause } from "./cause-check.ts";
import { leastExemption } from "./exemption.ts";
import { type Failure, failure, named } from "./failure.ts";
import { checkIntegrity, type ReadEvidence } from "./integrity.ts";
import type { WindowRecord } from "./log-line.ts";
import type { PublicKey } from "./public-key.ts";
import {
  checkOwnTimes,
  checkWindowTimes,
  linesOf,
  type ProvenMoment,
  provenBounds,
  readTokens,
  type TokenVerifier,
} from "./time-bounds.ts";
import { checkUniqueness, type WitnessQuestion } from "./uniqueness.ts";
import {
  type Bounds,
  type BundleReport,
  couldNotCheck,
  notAsked,
  notVerified,
  type Verdict,
  verified,
  type WindowReport,
} from "./verdict.ts";

/** Whom the caller trusts. Nothing of it is ever taken from the bundle. */
export type Trust = WitnessQuestion & {
  readonly key: PublicKey | null;
  /** Up to the authority that the caller named; `null` without one. */
  readonly verifyToken: TokenVerifier | null;
  /** UTC ms, by the caller's own clock. */
  readonly nowMs: number;
};

type MeantWindow = { readonly id: string; readonly records: readonly [WindowRecord, ...WindowRecord[]] };

/** The four verdicts over a bundle, and what is claimed and proven of each of its windows. */
export function verifyBundle(files: BundleFiles, trust: Trust): BundleReport {
  const { failures, evidence } = checkIntegrity(files, trust.key, trust.nowMs);
  if (evidence === null) return unreadable(failures);
  const { manifest, key, notes, facts, anchors } = evidence;
  const { windows, missing } = meantWindows(evidence);
  const absent = missing.map((id) => failure("window-missing", `window ${named(id)}`));
  const time = checkTime(evidence, windows, absent, trust.verifyToken);
  const ended = windows.filter(({ records }) => records.at(-1)?.change === "closed").map(({ id }) => id);
  const lasting = [...windows.map(({ id }) => id), ...missing].filter((id) => !ended.includes(id));
  const uniqueness = checkUniqueness(trust, manifest, key, notes, anchors.cosignatures, lasting);
  const isWhole = failures.length === 0;
  return {
    origin: manifest.origin,
    records: facts.records,
    integrity: integrityVerdict(failures, evidence, trust.key),
    time: restingOn(isWhole, time.verdict),
    uniqueness: restingOn(isWhole, withEpoch(uniqueness, evidence)),
    cause: restingOn(isWhole, causeVerdict(evidence, windows, absent)),
    windows: windows.map((window) => reportOf(window, evidence, time.moments, isWhole, uniqueness)),
  };
}

const restsOnIntegrity = "it rests on INTEGRITY, which failed";

/** A bundle of which not even the log could be read, or that could not be opened. */
export function unreadable(failures: readonly Failure[]): BundleReport {
  const nothing = couldNotCheck(restsOnIntegrity);
  const integrity = notVerified(failures);
  return { origin: null, records: 0, integrity, time: nothing, uniqueness: nothing, cause: nothing, windows: [] };
}

const notSigned =
  "SHA256SUMS.sig is missing: nobody vouches for the bundle as a whole, nor for the report and what is attached";

function integrityVerdict(
  failures: readonly Failure[],
  { facts, isSigned, unsure }: ReadEvidence,
  given: PublicKey | null,
): Verdict {
  if (failures.length > 0) return notVerified(failures);
  const { reduced, records } = facts;
  const erased =
    reduced.count === 0
      ? []
      : [
          `${reduced.count} of ${counted(records, "record")} ${reduced.count === 1 ? "is reduced to its hash" : "are reduced to their hashes"}: what ${reduced.count === 1 ? "it" : "they"} said is not shown`,
        ];
  const open = [...(isSigned ? [] : [notSigned]), ...(unsure === null ? [] : [unsure])];
  if (given === null) {
    const why = "no --key was given: everything fits the key in the bundle, and that proves nothing";
    return couldNotCheck(why, ...open, ...erased);
  }
  const log = `${counted(facts.records, "record")} ${facts.records === 1 ? "is" : "are"} whole, in order and signed by the given key`;
  return open.length === 0 ? verified(log, ...erased) : couldNotCheck(...open, log, ...erased);
}

/** A window that is not found may stand behind the line that is broken: nothing is said of a bundle that is not whole. */
function restingOn(isWhole: boolean, verdict: Verdict): Verdict {
  return isWhole ? verdict : couldNotCheck(restsOnIntegrity);
}

function withEpoch(verdict: Verdict, { manifest: { epoch }, facts }: ReadEvidence): Verdict {
  if (epoch === 1) return verdict;
  const reason = facts.epoch === null ? "its reason is not in this bundle" : `its reason: ${facts.epoch.reason}`;
  const before = facts.epoch?.previous ?? null;
  const previous =
    before === null ? "" : `; the one before, ${named(before.origin)}, had ${counted(before.size, "record")}`;
  return { ...verdict, because: [...verdict.because, `this is epoch ${epoch} of the box's log, ${reason}${previous}`] };
}

/** The windows that the manifest means; all of the log's when it names none. */
function meantWindows({ manifest, facts }: ReadEvidence): {
  readonly windows: readonly MeantWindow[];
  readonly missing: readonly string[];
} {
  const ids = manifest.windows.length === 0 ? [...facts.windows.keys()] : manifest.windows;
  const windows: MeantWindow[] = [];
  const missing: string[] = [];
  for (const id of ids) {
    const records = facts.windows.get(id);
    if (records === undefined) missing.push(id);
    else windows.push({ id, records });
  }
  return { windows, missing };
}

function checkTime(
  { anchors, facts }: ReadEvidence,
  windows: readonly MeantWindow[],
  absent: readonly Failure[],
  verifyToken: TokenVerifier | null,
): { readonly verdict: Verdict; readonly moments: readonly ProvenMoment[] } {
  const notProven = "the time is not proven: it is only what the box's own clock said";
  const invented = [
    ...absent,
    ...windows.flatMap(({ records }) => checkOwnTimes(records, linesOf(records, facts), facts)),
  ];
  if (invented.length > 0 && (verifyToken === null || anchors.tokens.length === 0)) {
    return { verdict: notVerified(invented), moments: [] };
  }
  if (verifyToken === null) return { verdict: notAsked("no --tsa-ca was given", notProven), moments: [] };
  if (anchors.tokens.length === 0) {
    return { verdict: couldNotCheck("the bundle has no timestamp", notProven), moments: [] };
  }
  const { moments, failures: tokenFailures } = readTokens(anchors.tokens, verifyToken);
  const failures = [...tokenFailures, ...invented];
  for (const { records } of windows) {
    failures.push(...checkWindowTimes(records, linesOf(records, facts), facts, moments));
  }
  const verdict =
    failures.length > 0
      ? notVerified(failures)
      : verified(
          `${counted(moments.length, "timestamp")} ${moments.length === 1 ? "verifies" : "verify"}, and no window claims a time that contradicts them`,
        );
  return { verdict, moments };
}

function causeVerdict(evidence: ReadEvidence, windows: readonly MeantWindow[], absent: readonly Failure[]): Verdict {
  const untold = evidence.facts.untold.map(({ seq, cause }) =>
    failure("failure-untold", `record ${seq}`, named(cause)),
  );
  const failures: Failure[] = [...absent, ...untold];
  const open: string[] = [];
  for (const { id, records } of windows) {
    const check = checkCause(records, linesOf(records, evidence.facts), evidence.facts);
    const isWhole = records[0].change === "opened";
    // What shows its cause may stand before the bundle; what contradicts it is in it.
    failures.push(...check.failures.filter(({ code }) => isWhole || code !== "cause-not-shown"));
    const within = evidence.facts.reduced.within.get(id) ?? 0;
    open.push(
      ...check.open,
      ...(isWhole ? [] : [`window ${named(id)}: its beginning is not in this bundle`]),
      ...(within === 0 ? [] : [`window ${named(id)}: ${within} records while it lasted are reduced to their hashes`]),
    );
  }
  if (failures.length > 0) return notVerified(failures);
  if (windows.length === 0) return notAsked("the bundle has no window");
  const claim = "the layers behaved as the causes need; that a provider failed is not proven by it";
  return open.length > 0 ? notAsked(...open) : verified(claim);
}

const unbounded: readonly [null, null] = [null, null];

function reportOf(
  { id, records }: MeantWindow,
  { facts }: ReadEvidence,
  moments: readonly ProvenMoment[],
  isWhole: boolean,
  uniqueness: Verdict,
): WindowReport {
  const last = records.at(-1) ?? records[0];
  const lines = linesOf(records, facts);
  const nothing: Bounds = { start: unbounded, end: lines.closed === null ? null : unbounded };
  const proven = isWhole ? provenBounds(lines, moments) : nothing;
  const isOpen = (bound: readonly [number | null, number | null] | null): boolean => bound?.includes(null) ?? false;
  const notProven = [
    ...(isWhole ? [] : ["anything: the bundle is not whole"]),
    ...(lines.closed === null ? ["that it has ended"] : []),
    ...(lines.isAfterwards ? ["when it began and ended: the box was away, and wrote of it afterwards"] : []),
    ...(isOpen(proven.start) ? ["both sides of its beginning"] : []),
    ...(isOpen(proven.end) ? ["both sides of its end"] : []),
    ...(facts.reduced.count === 0 ? [] : [`what stood in the ${facts.reduced.count} records that are reduced`]),
    ...(uniqueness.finding === "verified" ? [] : ["that this is the only history of the box"]),
    "who caused it: whoever owns the box can pull a plug that looks like somebody else's failure",
  ];
  const causes = [...new Set(records.map(({ cause }) => cause))];
  const exemption = leastExemption(records, facts.otherChannelWorked.has(id));
  return { id, causes, exemption, claimed: { start: last.start, end: last.end }, proven, notProven };
}
