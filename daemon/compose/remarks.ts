import type { Configuration } from "../../config/configuration.ts";
import type { Language } from "../base/language.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { Time, WallMs } from "../base/time.ts";
import { CiaoRegistrations } from "../forward/ciao/registration-reader.ts";
import type { FollowerStatus } from "../forward/follow-up/remark-follower.ts";
import { RemarkFollower } from "../forward/follow-up/remark-follower.ts";
import type { ForwardService } from "../forward/forward-service.ts";
import type { SendingClock } from "../forward/receipt-guard.ts";
import type { TokenSource } from "../forward/upstream.ts";
import { WarningWatch } from "../forward/warning-watch.ts";
import type { Store } from "../store/store.ts";
import { summariseHeld } from "./held-summary.ts";
import { summariseRemarks } from "./remark-summary.ts";

type RemarkParts = {
  readonly store: Store;
  readonly token: TokenSource;
  readonly clock: SendingClock;
  readonly forwarder: Pick<ForwardService, "judged" | "throttled" | "quietMs" | "isIdle">;
};

export type Remarks = AsyncDisposable & {
  start(): Promise<void>;
  /** A scan was stored: what can be foreseen of it is said. */
  recorded(scanId: number): void;
  /** `null` while the configuration switches the following off. */
  readonly status: FollowerStatus | null;
};

/** What the daily summary says of remarks, and before them of scans that wait while others are registered. */
export function composeRemarkSummary(
  timeZone: string,
  language: Language,
  store: Store,
  forwarder: Pick<ForwardService, "failingAlone">,
  log: Log,
): (now: WallMs, since: WallMs) => Promise<string | null> {
  const ports = { remarks: store.remarks, warnings: store.remarks, scans: store, log: log.child({ room: "forward" }) };
  return async (now, since) => {
    const held = await summariseHeld(language, store, forwarder.failingAlone);
    const remarks = await summariseRemarks({ timeZone, language }, ports, now, since);
    return [held, remarks].filter((text) => text !== null).join("\n\n") || null;
  };
}

/** What follows registrations until the service has finished with them. */
export function composeRemarks(
  { service, site }: Configuration,
  { store, token, clock, forwarder }: RemarkParts,
  { time, random, log }: { readonly time: Time; readonly random: Random; readonly log: Log },
): Remarks {
  const { url: baseUrl, timeoutMs, paths, pins } = service;
  const watch = new WarningWatch({ store: store.remarks, log: log.child({ room: "forward" }) }, site.timeZone);
  const recorded = (scanId: number): void => watch.recorded(scanId);
  if (paths.registration === "none") {
    return { start: () => watch.start(), recorded, status: null, [Symbol.asyncDispose]: async () => {} };
  }
  const reader = new CiaoRegistrations({ baseUrl, path: paths.registration, timeoutMs, pins }, token, time);
  const follower = new RemarkFollower(
    {
      store: store.remarks,
      reader,
      toBeSent: async () => (forwarder.isIdle ? 0 : (await store.backlog()).waiting),
      now: () => clock.now()?.utcMs ?? null,
      onJudged: (receipt) => forwarder.judged(receipt),
      quietMs: () => forwarder.quietMs,
      onThrottled: (forMs) => forwarder.throttled(forMs),
      time,
      random,
      log: log.child({ room: "forward" }),
    },
    site.timeZone,
  );
  return {
    async start() {
      await watch.start();
      follower.start();
    },
    recorded,
    get status() {
      return follower.status;
    },
    async [Symbol.asyncDispose]() {
      await follower[Symbol.asyncDispose]();
      await reader[Symbol.asyncDispose]();
    },
  };
}
