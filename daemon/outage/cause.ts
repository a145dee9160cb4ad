import type { Layers } from "./layers.ts";

/** Why registrations could not be made, in the words of RSZ's procedure document. */
export type Cause =
  | "own-software"
  | "own-network"
  | "own-power"
  | "operator"
  | "power-unproven"
  | "power-supplier"
  | "internet-provider"
  | "service"
  | "partial"
  | "other-channel-worked"
  | "unknown";

/**
 * - `not-exempt`: the failure is the employer's own, or another channel was open.
 * - `presumed`: a third party's or the service's, as far as this box can tell; support comes from somebody else.
 * - `ambiguous`: it cannot be told from here; `settledBy` says what would.
 */
export type Exemption = "not-exempt" | "presumed" | "ambiguous";

/** What would settle an ambiguous cause, or support a presumed one. */
export type Evidence =
  | "grid-operator-proof"
  | "provider-ticket"
  | "service-notice"
  | "other-channel-attempt"
  | "gateway-look"
  | "own-way-look"
  | "other-resolver"
  | "supplier-statement"
  | "power-supply-check";

export type Finding = {
  readonly cause: Cause;
  readonly exemption: Exemption;
  readonly settledBy: readonly Evidence[];
};

/**
 * The decision table, total over every combination of layers; `null` when registrations can be made. The first line that
 * fits decides, and the lines of own faults come before all others: **an own fault is never exempt**, whatever else is
 * broken at the same time.
 */
export function findingOf(layers: Layers): Finding | null {
  return ofBox(layers) ?? (registrationsWork(layers) ? null : ofNetwork(layers));
}

/** What happened to the box itself while it was not watching. */
function ofBox({ box, power, otherChannel }: Layers): Finding | null {
  switch (box) {
    case "running":
      return null;
    case "crashed":
      return own("own-software");
    case "rebooted":
      // A UPS has its box shut down in order before the battery is empty: somebody's will, or the end of the power.
      if (power !== "battery" || otherChannel === "answered") return own("operator");
      return ambiguous("power-unproven", "grid-operator-proof", "other-channel-attempt");
    case "rebooted-unclean":
      if (power === "mains") return own("own-power");
      if (otherChannel === "answered") return own("other-channel-worked");
      if (power === "battery") return presumed("power-supplier", "grid-operator-proof");
      // A weak supply and a cut of the mains both show as too low a voltage just before the end.
      if (power === "low") return ambiguous("power-unproven", "power-supply-check", "grid-operator-proof");
      return ambiguous("power-unproven", "grid-operator-proof", "other-channel-attempt");
  }
}

/** The service answers, and nothing that it needs besides is known to fail: a dead anchor alone is nobody's outage. */
function registrationsWork({ service, token, link, lan, anchors, dns }: Layers): boolean {
  if (service !== "unknown") return service === "ok" && (token === "ok" || token === "unknown");
  const cutOff = link === "down" || lan === "failed" || (anchors === "none" && dns !== "ok");
  return !cutOff && (token === "ok" || token === "unknown");
}

function ofNetwork(layers: Layers): Finding {
  const { link, lan, firstHop, dns, anchors, service, token, otherChannel } = layers;
  if (link === "down" || lan === "failed") return own("own-network");
  if (service === "refuses-us" || service === "own-tls" || token === "refuses-us") return own("own-software");
  if (otherChannel === "answered") return own("other-channel-worked");
  if (service === "health-only" || service === "other-name")
    return ambiguous("unknown", "service-notice", "other-channel-attempt");
  if (service === "other-way") return ambiguous("unknown", "own-way-look", "other-channel-attempt");
  if (anchors === "none" && (dns === "failed" || firstHop === "failed")) {
    // Without a look at the own network, its failure would pass for the provider's.
    return lan === "ok" && link !== "unknown"
      ? unlessUntried(otherChannel, presumed("internet-provider", "provider-ticket"))
      : ambiguous("unknown", "gateway-look", "other-channel-attempt");
  }
  if (anchors === "all" && dns !== "failed" && isTheirs(service, token)) {
    return unlessUntried(otherChannel, presumed("service", "service-notice"));
  }
  if (anchors === "some") return ambiguous("partial", "supplier-statement", "other-channel-attempt", "provider-ticket");
  if (dns === "failed") return ambiguous("unknown", "other-resolver", "other-channel-attempt");
  return ambiguous("unknown", "supplier-statement", "other-channel-attempt");
}

/** The service or its token endpoint fails in a way that is not of our making. */
function isTheirs(service: Layers["service"], token: Layers["token"]): boolean {
  if (service === "unreachable" || service === "server-error" || service === "bad-certificate") return true;
  return token === "failed" && (service === "ok" || service === "unknown");
}

/** A second way that was there and not tried may have worked. */
function unlessUntried(otherChannel: Layers["otherChannel"], finding: Finding): Finding {
  return otherChannel === "untried" ? ambiguous("unknown", ...finding.settledBy) : finding;
}

function own(cause: Cause): Finding {
  return { cause, exemption: "not-exempt", settledBy: [] };
}

function presumed(cause: Cause, support: Evidence): Finding {
  return { cause, exemption: "presumed", settledBy: [support, "other-channel-attempt"] };
}

function ambiguous(cause: Cause, ...settledBy: readonly Evidence[]): Finding {
  return { cause, exemption: "ambiguous", settledBy };
}
