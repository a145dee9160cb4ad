import { pick, type Random } from "../../base/random.ts";
import type { Cause } from "../../outage/cause.ts";
import type { Layers } from "../../outage/layers.ts";

/** What the layers look like while nothing fails. */
export const allWell: Layers = {
  box: "running",
  power: "unknown",
  link: "up",
  lan: "ok",
  firstHop: "ok",
  dns: "ok",
  anchors: "all",
  service: "ok",
  token: "unknown",
  otherChannel: "unknown",
};

/** For each cause, ways in which it shows; the decision table of `daemon/outage/cause.ts` must find it in each. */
const scenes: Readonly<Record<Cause, readonly [Partial<Layers>, ...Partial<Layers>[]]>> = {
  "internet-provider": [
    { firstHop: "failed", dns: "failed", anchors: "none", service: "unreachable" },
    { firstHop: "ok", dns: "failed", anchors: "none", service: "unreachable" },
    { firstHop: "failed", dns: "unknown", anchors: "none", service: "unreachable" },
  ],
  service: [
    { service: "unreachable" },
    { service: "server-error" },
    { service: "bad-certificate" },
    { service: "ok", token: "failed" },
  ],
  "own-network": [
    { link: "down", lan: "failed", firstHop: "unknown", dns: "unknown", anchors: "unknown", service: "unknown" },
    { lan: "failed", firstHop: "failed", dns: "failed", anchors: "none", service: "unreachable" },
  ],
  "own-software": [{ service: "refuses-us" }, { service: "own-tls" }, { token: "refuses-us" }, { box: "crashed" }],
  "power-unproven": [{ box: "rebooted-unclean", power: "unknown" }],
  "power-supplier": [{ box: "rebooted-unclean", power: "battery" }],
  "own-power": [{ box: "rebooted-unclean", power: "mains" }],
  operator: [{ box: "rebooted" }],
  partial: [{ anchors: "some", service: "unreachable" }],
  "other-channel-worked": [{ service: "unreachable", otherChannel: "answered" }],
  unknown: [{ anchors: "none", dns: "ok", service: "unreachable" }],
};

export const sceneCauses: readonly Cause[] = Object.keys(scenes) as Cause[];

export function scenesOf(cause: Cause): readonly Layers[] {
  return scenes[cause].map((scene) => ({ ...allWell, ...scene }));
}

export function sceneOf(cause: Cause, random: Random): Layers {
  const [first = allWell, ...others] = scenesOf(cause);
  return pick(random, [first, ...others]);
}

/** Whether a cause is one moment, after which all is well, and not a stretch of time. */
export function isMoment(layers: Layers): boolean {
  return layers.box !== "running";
}
