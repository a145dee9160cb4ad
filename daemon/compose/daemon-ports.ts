import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { Time } from "../base/time.ts";
import type { StoreThread } from "../store/store-thread.ts";

/** What a daemon is given from outside: in tests, time and chance are theirs. */
export type DaemonPorts = {
  readonly time: Time;
  readonly random: Random;
  readonly log: Log;
  /** As `StorePorts`. */
  readonly storeThread?: StoreThread | undefined;
};
