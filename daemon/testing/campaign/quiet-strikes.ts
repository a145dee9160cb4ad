import type { KeyObject } from "node:crypto";
import type { Log } from "../../base/log.ts";
import { type Time, wallMs } from "../../base/time.ts";
import { AuthorisedCaller } from "../../forward/ciao/authorised-caller.ts";
import { CiaoClient } from "../../forward/ciao/ciao-client.ts";
import { TokenKeeper } from "../../forward/ciao/oauth/token-keeper.ts";
import { TokenRequest } from "../../forward/ciao/oauth/token-request.ts";
import { CiaoRegistrations, registrationPath } from "../../forward/ciao/registration-reader.ts";
import { searchPath } from "../../forward/ciao/search.ts";
import { registerPath } from "../../forward/ciao/wire.ts";
import { RemarkFollower } from "../../forward/follow-up/remark-follower.ts";
import { HttpCaller } from "../../forward/http-call.ts";
import { registrationsPath } from "../../simulator/service/call-kind.ts";
import type { CallFault } from "../../simulator/service/fault.ts";
import type { ServiceSimulator } from "../../simulator/service/service-simulator.ts";
import type { Store } from "../../store/store.ts";
import { dueScan } from "../memory-queue.ts";
import type { StrikeTable, StruckCall } from "./strike-table.ts";

export type QuietStrikes = {
  readonly simulator: ServiceSimulator;
  readonly table: StrikeTable;
  /** Of the site that registered: its registrations are followed. */
  readonly store: Store;
  readonly client: { readonly id: string; readonly key: KeyObject };
  /** Of the worker for whom is searched. */
  readonly stranger: number;
  readonly time: Time;
  readonly log: Log;
};

const timeoutMs = 1_000;
/** Registrations are due five minutes after they were made, and again when they were looked at: the follower's clock is ahead. */
const aheadMs = 10 * 60_000;
/** From one failed call to the next: as many as the quota of the campaign lets through. */
const betweenFailuresMs = 2_100;
const patienceMs = 8_000;
const pollMs = 20;
const never = new AbortController().signal;

/**
 * When all is registered, every call that the daemon makes seldom or never meets every fault that has not struck it yet:
 * by the client's own classes, looks by the follower itself over the site's own store. Nobody calls the history or
 * cancels; those go through the caller that they would go through.
 */
export async function strikeInQuiet(options: QuietStrikes): Promise<void> {
  const { simulator, time, log, client } = options;
  await using request = new TokenRequest(
    {
      tokenUrl: simulator.tokenUrl,
      audience: simulator.tokenUrl,
      clientId: client.id,
      scope: null,
      keyId: null,
      timeoutMs,
      pins: [],
    },
    { key: () => client.key, provenTime: () => ({ utcMs: time.wallMs(), errorBoundMs: 5 }), time },
  );
  await using token = new TokenKeeper({
    ask: (signal) => request.ask(signal),
    onSeen: () => {},
    time,
    random: () => 0,
    log,
  });
  await using ciao = new CiaoClient(
    { baseUrl: simulator.url, registerPath, searchPath, healthPath: "/health", timeoutMs },
    token,
    time,
  );
  await using caller = new HttpCaller(simulator.url, timeoutMs, time);
  const authorised = new AuthorisedCaller(token, time);
  const [registration] = simulator.registrations();
  const at = `${registrationsPath}/${registration?.id ?? 0}`;
  const call = (method: "GET" | "POST", path: string) => async (): Promise<void> => {
    const asked = { method, path, headers: { accept: "application/json" }, body: null } as const;
    await authorised.call(asked, never, caller, timeoutMs);
  };
  const stranger = dueScan({ scanId: 0, worker: options.stranger, utcMs: time.wallMs() });
  await strikeAll(options, "get", () => lookOnce(options, token));
  await strikeAll(options, "history", call("GET", `${at}/history`));
  await strikeAll(options, "cancel", call("POST", `${at}/cancel`));
  await strikeAll(options, "search", async () => void (await ciao.search?.(stranger, "campaign", never)));
  await strikeAll(options, "health", async () => void (await ciao.askHealth(never)));
  await strikeAll(options, "token", async () => void (await request.ask(never)));
  // And when nothing is wrong any more, looks go through.
  await lookOnce(options, token);
}

async function strikeAll(options: QuietStrikes, call: StruckCall, make: () => Promise<void>): Promise<void> {
  const { simulator, table, time } = options;
  for (const fault of table.open(call)) {
    await simulator.setFaults([{ fault, occurs: { kind: "always" }, at: call }]);
    await make();
    await simulator.clearFaults();
    await time.sleep(restMs(fault));
  }
}

function restMs(fault: CallFault): number {
  if (fault.kind === "throttle") return Math.max(betweenFailuresMs, (fault.retryAfter?.seconds ?? 0) * 1_000 + 100);
  return fault.kind === "server-error" || fault.kind === "unauthorised" ? betweenFailuresMs : 0;
}

/** A follower that was just started, as after a restart, until it has made its first look. */
async function lookOnce({ simulator, store, time, log }: QuietStrikes, token: TokenKeeper): Promise<void> {
  const seen = simulator.stats().callsByKind["get"] ?? 0;
  await using reader = new CiaoRegistrations(
    { baseUrl: simulator.url, path: registrationPath, timeoutMs },
    token,
    time,
  );
  await using follower = new RemarkFollower(
    {
      store: store.remarks,
      reader,
      toBeSent: async () => 0,
      now: () => wallMs(time.wallMs() + aheadMs),
      onJudged: async () => {},
      quietMs: () => 0,
      onThrottled: () => {},
      time,
      random: () => 0,
      log,
    },
    "Europe/Brussels",
  );
  follower.start();
  const late = new AbortController();
  using _deadline = time.after(patienceMs, () => late.abort());
  while ((simulator.stats().callsByKind["get"] ?? 0) === seen && !late.signal.aborted) await time.sleep(pollMs);
  // The answer may be slow, or none; what it says is kept before the follower ends.
  await time.sleep(timeoutMs + 200);
}
