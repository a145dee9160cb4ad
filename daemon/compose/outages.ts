import type { Configuration } from "../../config/configuration.ts";
import type { ClockService } from "../clock/clock-service.ts";
import type { CiaoClient } from "../forward/ciao/ciao-client.ts";
import type { Layers } from "../outage/layers.ts";
import { defaultPatience, NetworkProbes } from "../outage/network-probes.ts";
import { OutageService } from "../outage/outage-service.ts";
import type { OutageStore } from "../outage/outage-store.ts";
import { loadSecondWay } from "../outage/second-way.ts";
import { readUnderVoltage } from "../outage/supply-voltage.ts";
import { readUps } from "../outage/ups.ts";
import type { DaemonPorts } from "./daemon-ports.ts";
import type { Evidence } from "./evidence.ts";

export async function composeOutages(
  { outage, service }: Configuration,
  store: OutageStore,
  {
    client,
    clock,
    evidence,
    onOver,
  }: {
    readonly client: CiaoClient;
    readonly clock: ClockService;
    readonly evidence: Pick<Evidence, "onSample" | "onChange">;
    readonly onOver: () => void;
  },
  { time, log }: DaemonPorts,
): Promise<OutageService> {
  const { anchors, resolvers, firstHop, secondInterface, ups } = outage;
  const secondWay = secondInterface === null ? null : await loadSecondWay(time);
  if (secondWay !== null && "obstacle" in secondWay) log.warn(secondWay, "the second interface cannot be looked at");
  const probes = new NetworkProbes(
    {
      ...{ anchors, resolvers, firstHop, secondInterface },
      ...{ serviceUrl: service.url, pins: service.pins, patience: defaultPatience },
    },
    {
      time,
      nowMs: () => clock.now()?.utcMs ?? null,
      askHealth: (signal) => client.askHealth(signal),
      secondWay: secondWay !== null && "obstacle" in secondWay ? null : secondWay,
    },
  );
  return new OutageService({
    probes,
    store,
    moment: (atNs) => clock.momentAt(atNs),
    sleeps: () => clock.sleeps,
    power: () => readPower(ups),
    onSample: evidence.onSample,
    onChange: (change) => {
      evidence.onChange(change);
      if (change.kind === "closed") onOver();
    },
    time,
    log,
  });
}

/** What is known of the box's supply: by its UPS, or else by the firmware of the box. */
async function readPower(ups: string | null): Promise<Layers["power"]> {
  const told = ups === null ? "unknown" : await readUps(ups);
  return told === "unknown" && readUnderVoltage() === true ? "low" : told;
}
