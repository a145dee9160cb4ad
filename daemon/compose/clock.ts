import type { Configuration, TimeServer } from "../../config/configuration.ts";
import { readBootId } from "../base/boot-id.ts";
import { builtAt } from "../base/version.ts";
import { ClockService } from "../clock/clock-service.ts";
import type { ScanDating } from "../clock/dating.ts";
import { readUptimeMs } from "../clock/host-readings.ts";
import { NtpClient } from "../clock/ntp-client.ts";
import type { NtpTransport } from "../clock/ntp-transport.ts";
import { loadSocketStamps } from "../clock/socket-stamps.ts";
import { burstSpacingMs } from "../clock/source-poll.ts";
import type { NtpSource } from "../clock/synchronisation.ts";
import { utcNsOfWall } from "../clock/utc.ts";
import type { CiaoClient } from "../forward/ciao/ciao-client.ts";
import type { DaemonPorts } from "./daemon-ports.ts";
import type { Evidence } from "./evidence.ts";

export async function composeClock(
  configuration: Configuration,
  store: ScanDating,
  {
    client,
    evidence: { history },
    onTime,
  }: {
    readonly client: CiaoClient;
    readonly evidence: Pick<Evidence, "history">;
    readonly onTime: () => void;
  },
  ports: DaemonPorts,
): Promise<ClockService> {
  const { clock } = configuration;
  const { time, random, log } = ports;
  return new ClockService(
    {
      transport: await composeTransport(configuration, ports),
      history,
      dating: store,
      askService: async (signal) => void (await client.askHealth(signal)),
      onTime,
      time,
      random,
      log,
      uptimeMs: readUptimeMs,
    },
    {
      bootId: readBootId(),
      sources: [...clock.servers.map(sourceOf), ...(clock.servers.length === 0 ? [] : [localDaemon])],
      builtAt: utcNsOfWall(builtAt),
      slewing: clock.systemClock === "slewed",
      burstSpacingMs,
    },
  );
}

function sourceOf({ host, operator, port }: TimeServer): NtpSource {
  return { id: host, host, port, operator, votes: true };
}

/** The box's own chronyd, where there is one: for people to compare, never a vote. */
const localDaemon: NtpSource = { id: "this box", host: "127.0.0.1", port: 123, operator: "this box", votes: false };

/** The kernel's stamps are loaded only where a server is asked for the time. */
async function composeTransport({ clock }: Configuration, { time, log }: DaemonPorts): Promise<NtpTransport> {
  const stamps = clock.servers.length === 0 ? null : await loadSocketStamps(time);
  if (stamps === null || !("obstacle" in stamps)) return new NtpClient(time, { stamps });
  log.warn({ obstacle: stamps.obstacle }, "the kernel's timestamps are not to be had");
  return new NtpClient(time);
}
