import type { Configuration } from "../config/configuration.ts";
import type { Log } from "./base/log.ts";
import type { Random } from "./base/random.ts";
import type { Time } from "./base/time.ts";
import { CiaoRegistrations } from "./forward/ciao/registration-reader.ts";
import type { FollowerStatus } from "./forward/follow-up/remark-follower.ts";
import { RemarkFollower } from "./forward/follow-up/remark-follower.ts";
import type { ForwardService } from "./forward/forward-service.ts";
import type { SendingClock } from "./forward/receipt-guard.ts";
import type { TokenSource } from "./forward/upstream.ts";
import type { Store } from "./store/store.ts";

type RemarkParts = {
  readonly store: Store;
  readonly token: TokenSource;
  readonly clock: SendingClock;
  readonly forwarder: Pick<ForwardService, "judged">;
};

export type Remarks = AsyncDisposable & {
  start(): void;
  /** `null` while the configuration switches the following off. */
  readonly status: FollowerStatus | null;
};

/** What follows registrations until the service has finished with them. */
export function composeRemarks(
  { service, site }: Configuration,
  { store, token, clock, forwarder }: RemarkParts,
  { time, random, log }: { readonly time: Time; readonly random: Random; readonly log: Log },
): Remarks {
  const { url: baseUrl, timeoutMs, paths } = service;
  if (paths.registration === "none") {
    return { start: () => {}, status: null, [Symbol.asyncDispose]: async () => {} };
  }
  const reader = new CiaoRegistrations({ baseUrl, path: paths.registration, timeoutMs }, token, time);
  const follower = new RemarkFollower(
    {
      store,
      reader,
      backlog: () => store.backlog(),
      now: () => clock.now()?.utcMs ?? null,
      onJudged: (receipt) => forwarder.judged(receipt),
      time,
      random,
      log: log.child({ room: "forward" }),
    },
    site.timeZone,
  );
  return {
    start: () => follower.start(),
    get status() {
      return follower.status;
    },
    async [Symbol.asyncDispose]() {
      await follower[Symbol.asyncDispose]();
      await reader[Symbol.asyncDispose]();
    },
  };
}
