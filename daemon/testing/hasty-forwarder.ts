import { silentLog } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import { ForwardService } from "../forward/forward-service.ts";
import type { ForwardQueue } from "../forward/queue.ts";
import type { Upstream } from "../forward/upstream.ts";
import { MemoryReceipts, openReceipt } from "./receipt-windows.ts";
import { TrustingClock } from "./trusting-clock.ts";

/** A forwarder in real time that rests no longer than it must: chance makes every backoff as short as it can be. */
export function hastyForwarder(queue: ForwardQueue, upstream: Upstream): ForwardService {
  return new ForwardService(
    {
      queue,
      upstream,
      clock: new TrustingClock(systemTime),
      memory: new MemoryReceipts(),
      onOutcome: () => {},
      time: systemTime,
      random: () => 0,
      log: silentLog,
    },
    { callIntervalMs: 0, receipt: openReceipt },
  );
}
