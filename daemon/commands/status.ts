import { unreadableMin } from "../../drivers/contract.ts";
import { counted } from "../base/counted.ts";
import { durationWords } from "../base/duration-words.ts";
import { BadgedError, type ExitCode, exitCode } from "../base/errors.ts";
import type { Language } from "../base/language.ts";
import { parseUtcText, systemTime, utcText } from "../base/system-time.ts";
import { zonedText } from "../base/zoned-time.ts";
import type { Cause, Exemption } from "../outage/cause.ts";
import { wordsIn } from "../outage/explanation.ts";
import { isOtherChannelOpen } from "../outage/other-channel.ts";
import type { StoreSummary } from "../scan/archive.ts";
import { strangersMin } from "../scan/intake.ts";
import { scanStates } from "../scan/scan.ts";
import type { LiveReader, LiveStatus, LiveTarget, LiveToken } from "../supervisor/live-status.ts";
import { askDaemon } from "../supervisor/store-hold.ts";
import { clockWords } from "./clock.ts";
import { visitedConfiguration } from "./configuration.ts";
import { evidenceLines } from "./status-evidence.ts";
import { heldLines, heldOf } from "./status-held.ts";
import { remarkLines, remarksOf } from "./status-remarks.ts";
import type { Terminal } from "./terminal.ts";
import { visitStore } from "./visit.ts";
import { stateWords } from "./words.ts";

/**
 * What the daemon says of itself and what is on its disk. The disk is read even when no daemon answers: that is when
 * somebody most wants to know what waits on it. Exit code 69 then.
 */
export async function status(configurationFile: string, json: boolean, terminal: Terminal): Promise<ExitCode> {
  const configuration = visitedConfiguration(configurationFile);
  const { live, without } = await livingOf(configuration.store.directory);
  const stored = await summaryOf(configurationFile);
  const held = await heldOf(configurationFile, live);
  const remarks = await remarksOf(configurationFile, live?.clock ?? null);
  if (json) {
    terminal.out(
      JSON.stringify({ daemon: live, store: stored === null ? null : storeDocument(stored), held, remarks }),
    );
  } else {
    for (const line of [
      ...(live === null ? [without] : daemonLines(live, configuration.outage.language, configuration.site.timeZone)),
      ...(stored === null
        ? ["store     nothing yet: badged was never started with this file"]
        : storeLines(stored, heldLines(held))),
      ...remarkLines(remarks, live),
    ])
      terminal.out(line);
  }
  return live === null ? exitCode.unavailable : exitCode.ok;
}

/** `without` is what to say where no daemon told of itself: one that does not answer is not one that does not run. */
async function livingOf(directory: string): Promise<{ readonly live: LiveStatus | null; readonly without: string }> {
  try {
    const live = (await askDaemon(directory)) as LiveStatus | null;
    return { live, without: "daemon    NOT RUNNING: badges are not read; what is on disk follows" };
  } catch (error) {
    if (!(error instanceof BadgedError) || error.code !== "daemon-not-running") throw error;
    return { live: null, without: `daemon    NO ANSWER: ${error.message}; ${error.advice}; what is on disk follows` };
  }
}

async function summaryOf(configurationFile: string): Promise<StoreSummary | null> {
  try {
    await using site = await visitStore(configurationFile);
    return await site.store.summary();
  } catch (error) {
    // Before the first start there is no store to tell of.
    if (error instanceof BadgedError && error.code === "store-missing") return null;
    throw error;
  }
}

function daemonLines(live: LiveStatus, language: Language, timeZone: string): string[] {
  const startedAt = parseUtcText(live.startedAt);
  const since = startedAt === null ? "" : ` for ${durationWords(systemTime.wallMs() - startedAt)}`;
  return [
    `daemon    running${since} (process ${live.pid}, ${Math.round(live.memoryBytes / 1e6)} MB), site ${live.site}`,
    `clock     ${clockWords(live.clock)}`,
    ...outageLines(live, timeZone),
    ...elsewhereLines(live, language),
    ...live.readers.flatMap(readerLines),
    ...intakeLines(live),
    targetLine("service", live.service, live.outage.since !== null),
    ...(live.token === null ? [] : [tokenLine(live.token)]),
    ...live.webhooks.map((webhook) => targetLine("webhook", webhook)),
    // A daemon of an earlier version, not yet restarted, does not speak of it.
    ...(live.evidence === undefined ? [] : evidenceLines(live.evidence)),
  ];
}

/** In the words and the local time of `badged outages list`, where it is looked up next. */
export function outageLines({ outage }: Pick<LiveStatus, "outage">, timeZone: string): readonly string[] {
  const since = outage.since === null ? null : parseUtcText(outage.since);
  if (since === null) return [];
  const cause = causes.find((each) => each === outage.cause);
  const exemption = exemptions.find((each) => each === outage.exemption);
  const { cause: causeWords, exemption: exemptionWords } = wordsIn.en;
  const causeText = cause === undefined ? outage.cause : causeWords[cause];
  const exemptionText = exemption === undefined ? outage.exemption : exemptionWords[exemption];
  return [`OUTAGE    since ${zonedText(since, timeZone)}: ${causeText}; ${exemptionText} (badged outages list)`];
}

/** In the language of the supervisor, for whom it is. */
export function elsewhereLines({ outage }: Pick<LiveStatus, "outage">, language: Language): readonly string[] {
  const cause = causes.find((each) => each === outage.cause);
  if (outage.since === null || cause === undefined || !isOtherChannelOpen(cause)) return [];
  return [`          ${wordsIn[language].step.registerElsewhereNow}`];
}

const causes = Object.keys(wordsIn.en.cause) as readonly Cause[];
const exemptions = Object.keys(wordsIn.en.exemption) as readonly Exemption[];

/** Who badges at a reader that cannot be understood sees no light at all, and nothing on disk tells of him. */
export function readerLines(reader: LiveReader): readonly string[] {
  const state = reader.online ? `connected at ${reader.detail}` : `NOT CONNECTED: ${reader.detail}`;
  const opened = `opened ${reader.opens === 1 ? "once" : `${reader.opens} times`}`;
  const line = `reader    ${reader.id}: ${state}; ${counted(reader.reads, "badge")} read, ${counted(reader.badFrames, "bad frame")}, ${opened}`;
  const { badSinceBadge = 0, strangersInARow = 0, feedbackDropped } = reader;
  const listen = `stop badged, and see what it sends: badged reader listen ${reader.online ? reader.detail : "PORT"}`;
  const troubles: string[] = [];
  if (badSinceBadge >= unreadableMin) {
    troubles.push(`NOT UNDERSTOOD: ${badSinceBadge} frames since the last badge were none; ${listen}`);
  }
  if (strangersInARow >= strangersMin) {
    troubles.push(
      `NOT KNOWN: none of the last ${strangersInARow} badges is in the roster: the reader's badge settings, the roster or its badgeForm is wrong, or what it sends is no badge, such as NOREAD; ${listen}`,
    );
  }
  if (feedbackDropped > 0) {
    troubles.push(
      `NOT SHOWN: ${counted(feedbackDropped, "light")} since the start, for the reader was away or took nothing; the log says when`,
    );
  }
  return [line, ...troubles.map((trouble) => `          ${trouble}`)];
}

/** Whoever saw a red light has to register another way: nothing else on disk tells of him. */
export function intakeLines({ intake: { notRecorded } }: Pick<LiveStatus, "intake">): readonly string[] {
  if (notRecorded === 0) return [];
  return [`scans     NOT RECORDED: ${notRecorded} since the start, answered so at the reader; the log says why`];
}

/** @param isOut while an outage lasts: a last call that went through may have been before it, and says nothing of now */
export function targetLine(kind: string, target: LiveTarget, isOut = false): string {
  const isFailing = target.retryInMs !== null;
  const words = {
    reachable: isOut && !isFailing ? "no call has failed" : "reachable",
    "not-reachable": "NOT REACHABLE",
    // Not that nothing was sent: the first call may be under way, and have arrived.
    "not-tried": `no call has ended since the start${kind === "service" ? "; badged service check tries the way" : ""}`,
  }[target.state];
  // Only the forwarder counts such answers as failures, and waits after them.
  const isRefusing = target.lastOutcome === "call-refused" && isFailing;
  const isStranger = target.lastOutcome === "unauthorised" && isFailing;
  const common = kind === "service" ? "site, employer and declaration of works" : "its url and token, and the log";
  const refusal = isRefusing
    ? `, BUT REFUSES WHAT IT GETS: look at ${common}`
    : isStranger
      ? ", BUT REFUSES THE CREDENTIALS, or what they may do: look at service.oauth or tokenFile, and for whom this client may register (badged service check)"
      : "";
  const outcome = target.lastOutcome === "" ? "" : ` (last call: ${target.lastOutcome})`;
  const retry = target.retryInMs === null ? "" : `, next try in ${durationWords(target.retryInMs)}`;
  const store = target.storeFails === true ? ", BUT NOTHING IS SENT: the store refuses, the log says why" : "";
  return `${kind.padEnd(10)}${target.name}: ${words}${refusal}${store}${outcome}${retry}`;
}

function tokenLine({ hasToken, failure, retryInMs }: LiveToken): string {
  if (failure === null) return `token     ${hasToken ? "at hand" : "none at hand, asked for with the next call"}`;
  const retry = retryInMs === null ? "" : `; asked again in ${durationWords(retryInMs)}`;
  return `token     ${hasToken ? "at hand, BUT NOT RENEWED" : "NONE"}: ${failure}${retry}`;
}

/** @param held what is to be said of scans to be sent */
export function storeLines(stored: StoreSummary, held: readonly string[] = []): string[] {
  const waitingFor =
    stored.oldestWaiting === null
      ? ""
      : `, the oldest for ${durationWords(systemTime.wallMs() - stored.oldestWaiting)}`;
  const lines = scanStates
    .filter((state) => stored.byState[state] > 0 || state === "waiting" || state === "registered")
    .map((state) => `scans     ${stored.byState[state]} ${stateWords[state]}${state === "waiting" ? waitingFor : ""}`);
  if (stored.doubtful > 0)
    lines.push(`scans     ${counted(stored.doubtful, "possible duplicate")} (badged scans list --doubtful)`);
  return [
    ...lines,
    ...held,
    `store     ${fullWords(stored)}${stored.rows} of at most ${counted(stored.maxScans, "scan")}; database ${mega(stored.databaseBytes)}, ${mega(stored.freeBytes)} free on its disk`,
    stored.rosterBadges === 0
      ? "roster    NO BADGES: every scan is of an unknown badge (badged roster check FILE)"
      : `roster    ${counted(stored.rosterBadges, "badge")}`,
  ];
}

/** Less than what the write-ahead log of a morning takes. */
const diskFreeMinBytes = 1_000_000;

function fullWords({ rows, maxScans, freeBytes }: StoreSummary): string {
  if (rows >= maxScans) return "FULL: ";
  return freeBytes < diskFreeMinBytes ? "DISK FULL: " : "";
}

function mega(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

function storeDocument(stored: StoreSummary): object {
  const { oldestWaiting, lastRegisteredAt, ...rest } = stored;
  return {
    ...rest,
    oldestWaiting: oldestWaiting === null ? null : utcText(oldestWaiting),
    lastRegisteredAt: lastRegisteredAt === null ? null : utcText(lastRegisteredAt),
  };
}
