import { describe, expect, test } from "vitest";
import { type Finding, findingOf } from "./cause.ts";
import {
  anchorStates,
  boxStates,
  type Layers,
  linkStates,
  nothingSeen,
  otherChannelStates,
  powerStates,
  reachStates,
  serviceStates,
  tokenStates,
} from "./layers.ts";

function* everyVector(): Generator<Layers> {
  for (const box of boxStates)
    for (const power of powerStates)
      for (const link of linkStates)
        for (const lan of reachStates)
          for (const firstHop of reachStates)
            for (const dns of reachStates)
              for (const anchors of anchorStates)
                for (const service of serviceStates)
                  for (const token of tokenStates)
                    for (const otherChannel of otherChannelStates)
                      yield { box, power, link, lan, firstHop, dns, anchors, service, token, otherChannel };
}

/** Everything that is the employer's own, by itself enough to rule an exemption out. */
function isOwnFault({ box, power, link, lan, service, token }: Layers): boolean {
  if (box === "rebooted") return power !== "battery";
  if (box !== "running") return box !== "rebooted-unclean" || power === "mains";
  return (
    link === "down" || lan === "failed" || service === "refuses-us" || service === "own-tls" || token === "refuses-us"
  );
}

test("every vector has a finding or none, and the rules hold over all of them", () => {
  let vectors = 0;
  const broken: Layers[] = [];
  const causes = new Set<string>();
  for (const layers of everyVector()) {
    vectors += 1;
    const finding = findingOf(layers);
    if (finding !== null) causes.add(finding.cause);
    if (!isSound(layers, finding)) broken.push(layers);
  }
  expect(vectors).toBe(4 * 4 * 3 * 3 * 3 * 3 * 4 * 10 * 5 * 4);
  expect(broken).toEqual([]);
  expect([...causes].sort()).toEqual(
    [
      ...["internet-provider", "operator", "other-channel-worked", "own-network", "own-power", "own-software"],
      ...["partial", "power-supplier", "power-unproven", "service", "unknown"],
    ].sort(),
  );
});

function isSound(layers: Layers, finding: Finding | null): boolean {
  // An own fault is never exempt: not even "presumed" or "ambiguous", unless registrations work all the same.
  if (isOwnFault(layers) && finding !== null && finding.exemption !== "not-exempt") return false;
  // While the service takes registrations there is no outage, and when it is known not to there is one.
  const works = layers.service === "ok" && (layers.token === "ok" || layers.token === "unknown");
  if (layers.box === "running" && works && finding !== null) return false;
  if (layers.service !== "ok" && layers.service !== "unknown" && finding === null) return false;
  if (finding === null) return true;
  // Another open channel rules an exemption out.
  if (layers.otherChannel === "answered" && finding.exemption !== "not-exempt") return false;
  // Nor is one presumed beside a channel that was there and not tried.
  if (layers.otherChannel === "untried" && layers.box === "running" && finding.exemption === "presumed") return false;
  // The provider is blamed only when the own network was seen to work.
  if (finding.cause === "internet-provider" && !(layers.link === "up" && layers.lan === "ok")) return false;
  // What is not known from here says what would settle it.
  if (finding.exemption === "ambiguous" && finding.settledBy.length === 0) return false;
  return finding.exemption !== "not-exempt" || finding.settledBy.length === 0;
}

const good: Layers = {
  ...nothingSeen,
  link: "up",
  lan: "ok",
  firstHop: "ok",
  dns: "ok",
  anchors: "all",
  service: "ok",
  token: "ok",
};
const cutOff = { dns: "failed", anchors: "none", service: "unreachable", token: "failed" } as const;

describe("the table, line by line", () => {
  test.each<[string, Partial<Layers>, Finding["cause"] | null, Finding["exemption"] | null]>([
    ["all is well", {}, null, null],
    ["nothing was looked at", nothingSeen, null, null],
    ["one anchor is dead", { anchors: "some" }, null, null],
    ["badged crashed", { box: "crashed" }, "own-software", "not-exempt"],
    ["somebody restarted the box", { box: "rebooted" }, "operator", "not-exempt"],
    ["a UPS on battery had the box shut down", { box: "rebooted", power: "battery" }, "power-unproven", "ambiguous"],
    [
      "the plug was pulled behind a UPS on mains",
      { box: "rebooted-unclean", power: "mains" },
      "own-power",
      "not-exempt",
    ],
    ["power went, no UPS", { box: "rebooted-unclean" }, "power-unproven", "ambiguous"],
    ["power went, the UPS was on battery", { box: "rebooted-unclean", power: "battery" }, "power-supplier", "presumed"],
    ["power went, its voltage too low", { box: "rebooted-unclean", power: "low" }, "power-unproven", "ambiguous"],
    ["the cable is out", { link: "down", lan: "failed", ...cutOff }, "own-network", "not-exempt"],
    ["the router is dead", { lan: "failed", ...cutOff }, "own-network", "not-exempt"],
    ["the line behind the router is dead", { firstHop: "failed", ...cutOff }, "internet-provider", "presumed"],
    ["the same, nobody looked at the router", { lan: "unknown", ...cutOff }, "unknown", "ambiguous"],
    ["only DNS is dead", { dns: "failed", service: "unreachable" }, "unknown", "ambiguous"],
    ["the service refuses connections", { service: "unreachable" }, "service", "presumed"],
    ["the service answers 503", { service: "server-error" }, "service", "presumed"],
    ["the service answers 503, and says that it is well", { service: "health-only" }, "unknown", "ambiguous"],
    ["a certificate of another name is shown", { service: "other-name" }, "unknown", "ambiguous"],
    ["a firewall of the box keeps back what is sent there", { service: "other-way" }, "unknown", "ambiguous"],
    ["a firewall of the box keeps back everything", { ...cutOff, service: "other-way" }, "unknown", "ambiguous"],
    ["its certificate ran out", { service: "bad-certificate" }, "service", "presumed"],
    ["its certificate is good, the box's clock is not", { service: "own-tls" }, "own-software", "not-exempt"],
    ["the service answers 401", { service: "refuses-us" }, "own-software", "not-exempt"],
    ["the token endpoint is down", { token: "failed" }, "service", "presumed"],
    ["the token endpoint never gave one", { token: "unproven" }, "unknown", "ambiguous"],
    ["the key is wrong", { token: "refuses-us" }, "own-software", "not-exempt"],
    ["an anchor and the service fail", { anchors: "some", service: "unreachable" }, "partial", "ambiguous"],
    [
      "the service fails, another channel worked",
      { service: "unreachable", otherChannel: "answered" },
      "other-channel-worked",
      "not-exempt",
    ],
  ])("%s", (_, change, cause, exemption) => {
    const finding = findingOf({ ...good, ...change });
    expect([finding?.cause ?? null, finding?.exemption ?? null]).toEqual([cause, exemption]);
  });
});
