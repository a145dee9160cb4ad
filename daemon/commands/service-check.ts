import type { Configuration } from "../../config/configuration.ts";
import { readPrivateKey } from "../../config/private-key.ts";
import { isCredential, readSecret } from "../../config/secret.ts";
import { BadgedError, type ExitCode, exitCode, messageOf } from "../base/errors.ts";
import { parseUtcText, systemTime } from "../base/system-time.ts";
import { elapsedMs, type Time, type WallMs, wallMs } from "../base/time.ts";
import type { ProvenTime } from "../forward/ciao/oauth/assertion.ts";
import { wordsOf } from "../forward/ciao/oauth/token-keeper.ts";
import type { TokenFailureKind } from "../forward/ciao/oauth/token-outcome.ts";
import { TokenRequest } from "../forward/ciao/oauth/token-request.ts";
import { FileToken } from "../forward/ciao/token.ts";
import type { LiveClock, LiveStatus } from "../supervisor/live-status.ts";
import { readStatus, statusSocketPath } from "../supervisor/status-socket.ts";
import { clockWords, isTrusted } from "./clock.ts";
import { requireConfiguration } from "./configuration.ts";
import { withCredentials } from "./credentials.ts";
import { askHealth, type SeenDate, tryHealth } from "./service-health.ts";
import { failed, misconfigured, notTried, ok, type Step, stepLines } from "./service-steps.ts";
import { resolveName, stepMaxMs, tryWay, type Way, type WayPorts } from "./service-way.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Tries the whole way to the service without registering anybody. Exit 0 when every step went well, 78 when a mistake is
 * in the configuration or in a file that it names, 69 for any other failure.
 *
 * @param daemonMaxMs how long a running daemon may take to tell of its clock
 */
export async function serviceCheck(
  file: string,
  json: boolean,
  terminal: Terminal,
  daemonMaxMs?: number,
): Promise<ExitCode> {
  const configuration = requireConfiguration(file);
  const clock = await clockOf(configuration.store.directory, terminal, daemonMaxMs);
  const steps = await trySteps(configuration.service, clock, {
    time: systemTime,
    resolve: resolveName,
  });
  const isGood = steps.every(isWell);
  if (json) terminal.out(JSON.stringify({ service: configuration.service.url, ok: isGood, steps }));
  else for (const line of [...steps.flatMap(stepLines), closing(isGood)]) terminal.out(line);
  if (isGood) return exitCode.ok;
  return steps.some(({ isConfiguration }) => isConfiguration) ? exitCode.configuration : exitCode.unavailable;
}

/** A daemon that hangs is when somebody most wants to know whether the way is open: it is said, and the way is tried. */
async function clockOf(directory: string, terminal: Terminal, daemonMaxMs?: number): Promise<LiveClock | null> {
  try {
    const live = (await readStatus(statusSocketPath(directory), daemonMaxMs)) as LiveStatus | null;
    return live?.clock ?? null;
  } catch (error) {
    if (!(error instanceof BadgedError) || error.code !== "daemon-not-running") throw error;
    terminal.err(`${error.message}; ${error.advice}`);
    return null;
  }
}

/** A time that nobody told contradicts nothing; a token or a health that was not tried shows nothing. */
function isWell({ step, state }: Step): boolean {
  return state === "ok" || (step === "clock" && state === "not-tried");
}

function closing(isGood: boolean): string {
  return isGood
    ? "Nobody was registered. Whether the service takes your registrations shows with the first badge."
    : "Nobody was registered. A running badged keeps all scans, and sends them by itself once this is mended.";
}

export type CheckPorts = Pick<WayPorts, "time" | "resolve">;

type Service = Configuration["service"];

/** @param clock what a running daemon says of its clock; `null` when none runs */
export async function trySteps(service: Service, clock: LiveClock | null, ports: CheckPorts): Promise<readonly Step[]> {
  const { time } = ports;
  const proven = provenBy(clock, time);
  const certificateNow = (): WallMs | null => proven?.()?.utcMs ?? null;
  const wayPorts = { ...ports, nowMs: certificateNow };
  const names = ["name", "connection", "certificate"] as const;
  const way = await tryWay(service.url, service.pins, names, "service.url", wayPorts);
  const health = way.isOpen ? await askHealth(service, null, time) : null;
  const date = health?.date ?? null;
  const clockStep = tryClock(clock, date, time);
  const token = await tryToken(service, way, proven ?? provenByDate(date, time), wayPorts);
  const healthStep =
    health === null
      ? notTried("health", "the way to the service is not open")
      : await tryHealth(service, health, token.value, time);
  return [...way.steps, clockStep, ...token.steps, healthStep];
}

/** The time as the running daemon proves it, carried on by monotonic time. */
function provenBy(clock: LiveClock | null, time: Time): (() => ProvenTime) | null {
  const utcMs = clock === null || clock.utc === null || !isTrusted(clock) ? null : parseUtcText(clock.utc);
  if (clock === null || utcMs === null) return null;
  const readNs = time.monotonicNs();
  const errorBoundMs = (clock.errorBoundMs ?? 0) + socketReadMaxMs;
  return () => ({ utcMs: wallMs(utcMs + elapsedMs(readNs, time.monotonicNs())), errorBoundMs });
}

/** From the daemon's answer to our reading of it. */
const socketReadMaxMs = 100;

/** Without a daemon the service's own `Date` is all that vouches for the time: a second, and the way of the answer. */
function provenByDate(date: SeenDate | null, time: Time): (() => ProvenTime) | null {
  if (date === null) return null;
  const wayMs = elapsedMs(date.sentNs, date.receivedNs);
  return () => ({
    utcMs: wallMs(date.dateMs + 500 + elapsedMs(date.receivedNs, time.monotonicNs())),
    errorBoundMs: 500 + wayMs,
  });
}

/** Apart by more than this, and one of both is wrong: `Date` counts whole seconds. */
const apartMaxMs = 2_000;

function tryClock(clock: LiveClock | null, date: SeenDate | null, time: Time): Step {
  if (clock !== null && !isTrusted(clock)) {
    const advice = "see badged clock; until something proves the time, scans are kept and no token is asked for";
    return failed("clock", clockWords(clock), advice);
  }
  if (date === null) {
    return clock === null
      ? notTried("clock", "no badged told the time, nor did the service")
      : notTried("clock", `${clockWords(clock)}; the service did not tell its time, so nothing was compared`);
  }
  const ours = clock === null || clock.utc === null ? null : provenBy(clock, time)?.();
  const nowMs = ours?.utcMs ?? date.wallMs + elapsedMs(date.receivedNs, time.monotonicNs());
  const theirsMs = date.dateMs + 500 + elapsedMs(date.receivedNs, time.monotonicNs());
  const apartMs = Math.round(nowMs - theirsMs);
  const whose = clock === null ? "this box's clock (badged does not run)" : `badged's clock (${clockWords(clock)})`;
  const isApart = Math.abs(apartMs) > apartMaxMs + elapsedMs(date.sentNs, date.receivedNs);
  const apart = isApart
    ? `${(Math.abs(apartMs) / 1000).toFixed(1)} s ${apartMs > 0 ? "ahead of" : "behind"}`
    : "in step with";
  const found = `${whose} is ${apart} the service's`;
  if (!isApart) return ok("clock", found);
  const advice =
    clock === null
      ? "let chrony set the box's clock (systemd/README.md); badged itself does not rest on it"
      : "see badged clock: the time servers and the service contradict each other, and remark 32 threatens; tell the RSZ when four servers agree";
  return failed("clock", found, advice);
}

type TokenTried = { readonly steps: readonly Step[]; readonly value: string | null };

/** @param open the way to the service, on whose server the token endpoint may be */
async function tryToken(
  service: Service,
  open: Way,
  proven: (() => ProvenTime) | null,
  ports: WayPorts,
): Promise<TokenTried> {
  const { oauth, tokenFile } = service;
  if (oauth !== null) return await tryTokenEndpoint(service, oauth, open, proven, ports);
  if (tokenFile === null) {
    const advice = "the RSZ's service wants one: see service.oauth in config/badged.example.yaml";
    const isLocal = new URL(service.url).protocol === "http:";
    return { steps: [ok("token", "none is configured", isLocal ? "" : advice)], value: null };
  }
  try {
    const value = await new FileToken(async () => readSecret(tokenFile)).token();
    return {
      steps: [ok("token", "the file holds one; whether the service takes it shows with the first call")],
      value,
    };
  } catch (error) {
    return { steps: [unusable(tokenFile, error)], value: null };
  }
}

async function tryTokenEndpoint(
  { url, pins, timeoutMs }: Service,
  oauth: NonNullable<Service["oauth"]>,
  open: Way,
  proven: (() => ProvenTime) | null,
  ports: WayPorts,
): Promise<TokenTried> {
  const isSameServer = new URL(oauth.tokenUrl).origin === new URL(url).origin;
  const names = ["token name", "token connection", "token certificate"] as const;
  const way = isSameServer ? null : await tryWay(oauth.tokenUrl, pins, names, "service.oauth.tokenUrl", ports);
  const steps = way?.steps ?? [];
  if (!(way ?? open).isOpen) {
    return { steps: [...steps, notTried("token", "the way to the token endpoint is not open")], value: null };
  }
  try {
    readPrivateKey(oauth.keyFile);
  } catch (error) {
    return { steps: [...steps, unusable(oauth.keyFile, error)], value: null };
  }
  if (proven === null) {
    const why =
      "a signed request carries the time, and neither a running badged nor the service told it; a running badged asks for one once something proves the time";
    return { steps: [...steps, notTried("token", why)], value: null };
  }
  await using request = new TokenRequest(
    { ...oauth, pins, timeoutMs: Math.min(stepMaxMs, timeoutMs) },
    { key: () => readPrivateKey(oauth.keyFile), provenTime: proven, time: ports.time },
  );
  const outcome = await request.ask(new AbortController().signal);
  if (outcome.kind !== "granted") {
    // A refusal in general, but whoever has no such page knows nothing of clients and keys.
    const isNoPage = /^status 40[45]\b/.test(outcome.detail);
    const advice = tokenAdvice[isNoPage ? "unintelligible" : outcome.kind];
    return { steps: [...steps, failed("token", wordsOf(outcome), advice)], value: null };
  }
  const { lifetimeMs, token } = outcome;
  const holds = lifetimeMs === null ? "for a time that it does not tell" : `for ${Math.round(lifetimeMs / 1000)} s`;
  return { steps: [...steps, ok("token", `obtained; it holds ${holds}`)], value: token };
}

const tokenAdvice: Readonly<Record<TokenFailureKind, string>> = {
  refused:
    "compare service.oauth.clientId with what the RSZ gave, and whether the public half of keyFile is the one that it knows; a clock that is minutes off looks the same",
  "key-unusable": "put the RSA private key there in PEM, chmod 600",
  "not-made": "see whether badged and its disk are whole: installed again, it has all of its parts",
  throttled: "wait, and check less often: failed requests have a quota of their own",
  "no-name": "ask whoever keeps this network for a name server that works; the box has its own in /etc/resolv.conf",
  "not-reached":
    "see whether a firewall of this box or of the site lets it through; nothing to do here when it does: scans are kept",
  down: "nothing to do here when it lasts: scans are kept; the RSZ says on its site when it works on it",
  unintelligible:
    "compare service.oauth.tokenUrl with what the RSZ gives: this address answers, but not as a token endpoint",
  "tls-failed": "see the certificate above: nothing is sent to a server that this box does not trust",
  "pin-mismatch": "see the certificate above: nothing is sent to a server whose key is not in service.pin",
  "clock-unknown": "see badged clock",
  interrupted: "try again",
};

function unusable(file: string, error: unknown): Step {
  // Nothing is wrong with a credential that this process has not got: the daemon has it.
  if (isCredential(file))
    return failed("token", `${file} is for the service that systemd starts alone`, credentialAdvice);
  const isTold = error instanceof BadgedError;
  const advice = isTold ? error.advice : "write the token into the file that service.tokenFile names, and chmod 600 it";
  return misconfigured("token", messageOf(error), advice);
}

const credentialAdvice = `try it as root with the files that the unit hands over: ${withCredentials("service check")}`;
