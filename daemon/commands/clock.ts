import { durationWords } from "../base/duration-words.ts";
import { type ExitCode, exitCode } from "../base/errors.ts";
import type { LiveClock, LiveClockEvent, LiveReceipt, LiveSource, LiveStatus } from "../supervisor/live-status.ts";
import { askDaemon } from "../supervisor/store-hold.ts";
import { visitedConfiguration } from "./configuration.ts";
import { type Terminal, table } from "./terminal.ts";
import { serviceClockWords } from "./words.ts";

/** What a running daemon says of its clock; exit 69 when none runs, for then nobody keeps the time. */
export async function showClock(configurationFile: string, json: boolean, terminal: Terminal): Promise<ExitCode> {
  const clock = await readClock(configurationFile, terminal);
  if (clock === null) return exitCode.unavailable;
  if (json) {
    terminal.out(JSON.stringify(clock));
    return exitCode.ok;
  }
  for (const line of [
    `clock     ${clockWords(clock)}`,
    ...(clock.utc === null ? [] : [`time      ${clock.utc}, ± ${bound(clock)}`]),
    `drift     counted with ${clock.driftPpm.synchronised} ppm, without servers with ${clock.driftPpm.holdover} ppm`,
    ...pollLines(clock),
    ...clock.events.map(eventLine),
    serviceLine(clock),
    receiptLine(clock.receipt),
  ]) {
    terminal.out(line);
  }
  if (clock.sources.length > 0) terminal.out(`\n${sourceTable(clock.sources)}`);
  return exitCode.ok;
}

export async function checkClock(configurationFile: string, json: boolean, terminal: Terminal): Promise<ExitCode> {
  const clock = await readClock(configurationFile, terminal);
  if (clock === null) return exitCode.unavailable;
  terminal.out(json ? JSON.stringify(clock) : clockWords(clock));
  return isTrusted(clock) ? exitCode.ok : exitCode.failed;
}

/** Stamps carry a bound that registrations may rest on. */
export function isTrusted({ state }: LiveClock): boolean {
  return state === "synchronised" || state === "holdover";
}

/** One line for `badged status` and `badged clock check`. */
export function clockWords(clock: LiveClock): string {
  const since = clock.syncAgeMs === null ? "" : `, last compared ${durationWords(clock.syncAgeMs)} ago`;
  switch (clock.state) {
    case "synchronised":
      return `synchronised, right to ± ${bound(clock)}`;
    case "holdover":
      return clock.basis === "service"
        ? `${serviceClockWords}, right to ± ${bound(clock)}${since}`
        : `holdover, ${holdoverWords(clock)}; right to ± ${bound(clock)}${since}`;
    case "untrusted":
      return `NOT TRUSTED: ${untrustedWords[clock.why ?? ""] ?? clock.why}`;
    case "unsynchronised":
      return "UNSYNCHRONISED: nothing has vouched for the time yet; scans are kept and get their time when something does";
  }
}

/** Servers that disagree, or are one, call for another list of them, servers that are silent for another look at the network. */
function holdoverWords({ poll, sources }: LiveClock): string {
  if (poll?.nextInMs === null) return "every time server has sent this box away, until a restart";
  // The service's clock took the side of the older of two quorums.
  if (poll?.result === "quorum") return "the time servers contradicted what they said before";
  if (poll?.remarks.includes("no-agreement")) return "the time servers disagree";
  if (sources.some(({ verdict }) => verdict === "same-server"))
    return "too few time servers, for several names lead to one";
  const isHeard = sources.some(({ votes, verdict }) => votes && verdict === "undecided");
  return isHeard ? "too few time servers answer" : "no time server answers";
}

const untrustedWords: Readonly<Record<string, string>> = {
  "bound-too-wide": "too long without a time server; scans are kept with a bound above 2 s",
  contradicted:
    "the time servers contradict what they said before; scans are kept and get their time when it is settled",
  "service-contradicted":
    "the service's own clock contradicts what it said before; scans are kept and get their time when it is settled",
  suspended: "the box slept; scans are kept and get their time when a time server answers",
};

async function readClock(configurationFile: string, terminal: Terminal): Promise<LiveClock | null> {
  const { store } = visitedConfiguration(configurationFile);
  const live = (await askDaemon(store.directory)) as LiveStatus | null;
  if (live === null) terminal.err("badged does not run, so nobody keeps the time: start it (systemctl start badged)");
  return live?.clock ?? null;
}

function bound({ errorBoundMs }: LiveClock): string {
  return errorBoundMs === null ? "?" : `${errorBoundMs.toFixed(errorBoundMs < 100 ? 1 : 0)} ms`;
}

function pollLines({ poll, servers }: LiveClock): readonly string[] {
  if (servers === 0) return ["servers   none: clock.servers is empty, the service's own clock is all there is"];
  if (poll === null) return ["servers   not asked yet"];
  const remarks = poll.remarks.length === 0 ? "" : ` (${poll.remarks.join(", ")})`;
  const result = poll.result === "quorum" ? "quorum" : "NO QUORUM";
  const next =
    poll.nextInMs === null ? "ALL HAVE SENT THIS BOX AWAY" : `asked again in ${durationWords(poll.nextInMs)}`;
  return [`servers   ${result}${remarks} ${durationWords(poll.ageMs)} ago, ${next}`];
}

function eventLine({ kind, sizeMs, ageMs }: LiveClockEvent): string {
  const ago = `${durationWords(ageMs)} ago`;
  switch (kind) {
    case "step":
      return `step      the system clock was set by ${sizeMs?.toFixed(0)} ms, ${ago}; badged's time does not rest on it`;
    case "suspend":
      return `suspend   the box slept for ${durationWords(sizeMs ?? 0)}, ${ago}`;
    case "contradiction":
      return `CONTRADICTION  the time servers, or the service's own clock, contradicted what was believed, ${ago}`;
  }
}

function serviceLine({ service }: LiveClock): string {
  if (service === null) return "service   its clock is not known yet";
  const from = `${signed(service.fromMs)} to ${signed(service.toMs)} ms from ours`;
  if (!service.consistent) return `service   ITS ANSWERS DO NOT AGREE on a time: ${from}`;
  const isApart = (service.apartMs ?? 0) > 1000;
  return `service   its clock is ${from}${isApart ? ": IT AND THE TIME SERVERS DISAGREE" : ""}`;
}

function receiptLine(receipt: LiveReceipt): string {
  const late = receipt.late === "withhold" ? "later scans are kept back" : "later scans are sent all the same";
  if (receipt.configuredMs !== null)
    return `receipt   limit ${durationWords(receipt.configuredMs)} as configured; ${late}`;
  const known = [
    ...(receipt.aboveMs === null ? [] : [`${durationWords(receipt.aboveMs)} passed`]),
    ...(receipt.atMostMs === null ? [] : [`remark 32 came at ${durationWords(receipt.atMostMs)}; ${late}`]),
  ];
  return `receipt   limit not published${known.length === 0 ? ", nothing learnt yet" : `: ${known.join(", ")}`}`;
}

function sourceTable(sources: readonly LiveSource[]): string {
  const shown = (value: number | null): string => (value === null ? "" : `${value.toFixed(3)} ms`);
  return table(
    ["server", "operator", "verdict", "offset", "delay"],
    sources.map(({ id, operator, votes, verdict, detail, offsetMs, delayMs }) => [
      id,
      operator,
      [votes ? verdict : `${verdict}, no vote`, detail].filter((part) => part !== "").join(", "),
      shown(offsetMs),
      shown(delayMs),
    ]),
  );
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(0)}`;
}
