import { silentLog } from "../../daemon/base/log.ts";
import { seededRandom } from "../../daemon/base/random.ts";
import { systemTime } from "../../daemon/base/system-time.ts";
import { builtAt } from "../../daemon/base/version.ts";
import { ClockService } from "../../daemon/clock/clock-service.ts";
import { readUptimeMs } from "../../daemon/clock/host-readings.ts";
import { NtpClient } from "../../daemon/clock/ntp-client.ts";
import { loadSocketStamps } from "../../daemon/clock/socket-stamps.ts";
import { retroactiveStamp } from "../../daemon/clock/stamping.ts";
import { utcNsOfWall } from "../../daemon/clock/utc.ts";
import { MemoryClockHistory } from "../../daemon/testing/chrony/memory-clock-history.ts";

/** Where the servers are that a clock asks. */
export type Servers = { readonly hosts: readonly string[]; readonly port: number };

/** What a stamp said and what the system clock would have, of one moment of monotonic time. */
export type Stamped = {
  readonly atNs: string;
  readonly utcMs: number;
  readonly earliestMs: number | null;
  readonly latestMs: number | null;
  readonly boundMs: number | null;
  readonly systemClockMs: number;
  readonly how: "live" | "retroactive";
};

const everyMs = 2;

/**
 * Starts a clock of its own and takes stamps with it, half of them (`retroactive`) before it has asked anyone, which get
 * their time afterwards. A stamp without a bound stays one when there was no quorum.
 */
export async function takeStamps(servers: Servers, count: number): Promise<readonly Stamped[]> {
  const history = new MemoryClockHistory();
  const loaded = await loadSocketStamps(systemTime);
  await using clock = new ClockService(
    {
      transport: new NtpClient(systemTime, { stamps: "obstacle" in loaded ? null : loaded }),
      history,
      dating: history,
      askService: async () => {},
      onTime: () => {},
      time: systemTime,
      random: seededRandom(5),
      log: silentLog,
      uptimeMs: readUptimeMs,
    },
    {
      bootId: "bench",
      sources: servers.hosts.map((host) => ({ id: host, host, port: servers.port, operator: host, votes: true })),
      builtAt: utcNsOfWall(builtAt),
      slewing: false,
      burstSpacingMs: 20,
    },
  );
  const early = await stamps(clock, Math.floor(count / 2));
  await clock.start();
  await clock.settled();
  const anchors = await history.anchors(16);
  const dated = early.map((each) => {
    const moment = { bootId: "bench", monotonicNs: each.stamp.monotonicNs, captureLagMs: each.stamp.captureLagMs };
    return { ...each, stamp: retroactiveStamp(moment, anchors, [], clock.status().rates) ?? each.stamp };
  });
  return [...dated, ...(await stamps(clock, Math.ceil(count / 2)))].map(({ stamp, systemClockMs }) => ({
    atNs: String(stamp.monotonicNs),
    utcMs: stamp.utcMs,
    earliestMs: stamp.earliestMs,
    latestMs: stamp.latestMs,
    boundMs: stamp.errorBoundMs,
    systemClockMs,
    how: stamp.how === "retroactive" ? "retroactive" : "live",
  }));
}

async function stamps(clock: ClockService, count: number) {
  const taken = [];
  for (let index = 0; index < count; index += 1) {
    const firstByteNs = systemTime.monotonicNs();
    const systemClockMs = systemTime.wallMs();
    taken.push({ stamp: clock.stamp(firstByteNs), systemClockMs });
    await systemTime.sleep(everyMs);
  }
  return taken;
}
