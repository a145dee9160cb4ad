import type { Cause, Exemption } from "../../outage/cause.ts";
import { addresses, type Lie, type ServiceFault, type TokenAnswer, type World } from "./world.ts";

/** One thing that breaks in the world, and what has to be found; `null` where it is nobody's outage. */
export type Fault = {
  readonly expected: { readonly cause: Cause; readonly exemption: Exemption } | null;
  /** What sees it first: looks at the site's own layers, looks at what lies beyond, or the calls themselves. */
  readonly seenBy: "local" | "beyond" | "calls";
  /** What is not looked at but asked for now and then is known to have failed, or to work again, this much later. */
  readonly askedWithinMs?: number;
  readonly break: (world: World) => void | Promise<void>;
  readonly mend: (world: World) => void | Promise<void>;
};

const ownNetwork = { cause: "own-network", exemption: "not-exempt" } as const;
const provider = { cause: "internet-provider", exemption: "presumed" } as const;
const ownSoftware = { cause: "own-software", exemption: "not-exempt" } as const;
const theService = { cause: "service", exemption: "presumed" } as const;

const ambiguous = { cause: "unknown", exemption: "ambiguous" } as const;

const lineDead: Fault = {
  expected: provider,
  seenBy: "beyond",
  break: (world) => world.ip("router", "link", "set", "wan", "down"),
  mend: (world) => world.plug("router", "wan", "internet", "wan"),
};

const service = (fault: ServiceFault, expected: Fault["expected"] = theService): Fault => ({
  expected,
  seenBy: "beyond",
  break: (world) => world.order({ kind: "service", fault }),
  mend: (world) => world.order({ kind: "service", fault: "none" }),
});

/** Registrations work as long as the last token does. */
const tokenHeldMs = 2_000;

const token = (answer: TokenAnswer, expected: Fault["expected"], askedWithinMs: number): Fault => ({
  expected,
  seenBy: "calls",
  askedWithinMs: tokenHeldMs + askedWithinMs,
  break: (world) => world.order({ kind: "token", answer }),
  mend: (world) => world.order({ kind: "token", answer: "token" }),
});

const lie = (told: Lie): Fault => ({
  expected: ambiguous,
  seenBy: "beyond",
  break: async (world) => {
    world.useResolver(addresses.liar);
    await world.order({ kind: "lie", lie: told });
  },
  mend: (world) => world.useResolver(addresses.resolver),
});

export const faults: Readonly<Record<string, Fault>> = {
  "cable out": {
    expected: ownNetwork,
    seenBy: "local",
    break: (world) => world.ip("router", "link", "set", "lan", "down"),
    mend: async (world) => {
      await world.plug("router", "lan", "box", "lan");
      await world.resolved();
    },
  },
  "interface down": {
    expected: ownNetwork,
    seenBy: "local",
    break: (world) => world.ip("box", "link", "set", "lan", "down"),
    mend: async (world) => {
      await world.plug("box", "lan", "router", "lan");
      world.ip("box", "route", "add", "default", "via", addresses.router);
      await world.resolved();
    },
  },
  "default route lost": {
    expected: ownNetwork,
    seenBy: "local",
    break: (world) => world.ip("box", "route", "delete", "default"),
    mend: (world) => world.ip("box", "route", "add", "default", "via", addresses.router),
  },
  "router dead": {
    expected: ownNetwork,
    seenBy: "local",
    break: (world) => {
      world.ip("router", "addr", "delete", `${addresses.router}/24`, "dev", "lan");
      world.ip("box", "neigh", "flush", "all");
    },
    mend: async (world) => {
      world.ip("router", "addr", "add", `${addresses.router}/24`, "dev", "lan");
      await world.resolved();
    },
  },
  "line dead behind the router": lineDead,
  "a tunnel of the employer's takes everything, and is dead": {
    expected: ambiguous,
    seenBy: "beyond",
    break: (world) => {
      deadTunnel(world);
      for (const half of ["0.0.0.0/1", "128.0.0.0/1"]) world.ip("box", "route", "add", half, "dev", "tunnel");
    },
    mend: (world) => world.ip("box", "link", "delete", "tunnel"),
  },
  "a tunnel with a table of its own, as wg-quick makes one, is dead": {
    expected: ambiguous,
    seenBy: "beyond",
    break: (world) => {
      deadTunnel(world);
      world.ip("box", "route", "add", "default", "dev", "tunnel", "table", "51820");
      world.ip("box", "rule", "add", "not", "fwmark", "51820", "table", "51820");
      world.ip("box", "rule", "add", "table", "main", "suppress_prefixlength", "0");
    },
    mend: (world) => {
      // Its table goes with it, and the rules lead on to the others.
      world.ip("box", "link", "delete", "tunnel");
      world.ip("box", "rule", "delete", "not", "fwmark", "51820", "table", "51820");
      world.ip("box", "rule", "delete", "table", "main", "suppress_prefixlength", "0");
    },
  },
  "a tunnel of the employer's takes what is sent to the service alone, and is dead": {
    expected: ambiguous,
    seenBy: "beyond",
    break: async (world) => {
      deadTunnel(world);
      world.ip("box", "route", "add", addresses.service, "dev", "tunnel");
      await world.order({ kind: "dns", answers: true, connections: "closed" });
    },
    mend: (world) => world.ip("box", "link", "delete", "tunnel"),
  },
  "a firewall of the box refuses what is sent to the service": firewall(
    [`ip daddr ${addresses.service} reject`],
    ambiguous,
  ),
  "a firewall of the box resets connections to the service and refuses all else": firewall(
    [
      "oif lo accept",
      `ip daddr ${addresses.service} meta l4proto tcp reject with tcp reset`,
      `ip daddr ${addresses.service} reject`,
    ],
    ambiguous,
  ),
  "the site's name server knows no such name": lie("no such name"),
  "the site's name server tells where nobody is": lie("elsewhere"),
  "the site's name server tells the box itself": lie("0.0.0.0"),
  "DNS dead": {
    expected: ambiguous,
    seenBy: "beyond",
    break: (world) => world.order({ kind: "dns", answers: false, connections: "closed" }),
    mend: (world) => world.order({ kind: "dns", answers: true, connections: "closed" }),
  },
  "DNS dead while a connection lives": {
    expected: ambiguous,
    seenBy: "calls",
    askedWithinMs: tokenHeldMs + 5_000,
    break: (world) => world.order({ kind: "dns", answers: false, connections: "kept" }),
    mend: (world) => world.order({ kind: "dns", answers: true, connections: "kept" }),
  },
  "the box's name server dead, another alive": {
    expected: ambiguous,
    seenBy: "beyond",
    break: async (world) => {
      world.useResolver(addresses.nobody);
      await world.order({ kind: "dns", answers: true, connections: "closed" });
    },
    mend: (world) => world.useResolver(addresses.resolver),
  },
  "one anchor dead": {
    expected: null,
    seenBy: "beyond",
    break: (world) => world.ip("internet", "addr", "delete", `${addresses.anchors[0]}/24`, "dev", "wan"),
    mend: (world) => world.ip("internet", "addr", "add", `${addresses.anchors[0]}/24`, "dev", "wan"),
  },
  "slow line that loses one packet in ten": {
    expected: null,
    seenBy: "beyond",
    break: (world) => {
      world.run("router", "tc", "qdisc", "add", "dev", "wan", "root", ...slowLine);
      world.run("router", "nft", lossyForwarding);
    },
    mend: (world) => {
      world.run("router", "nft", "delete table ip loss");
      world.run("router", "tc", "qdisc", "delete", "dev", "wan", "root");
    },
  },
  "service refuses connections": service("refuses"),
  "service silent": service("silent"),
  "service answers 503": service("5xx"),
  "service's certificate expired": service("expired"),
  "service answers 401": service("401", ownSoftware),
  "token endpoint answers 503": token("503", theService, 5_000),
  "the site's name server tells of the token endpoint where nobody is": {
    ...lie("token elsewhere"),
    askedWithinMs: tokenHeldMs + 15_000,
  },
  "token endpoint refuses the client": token("invalid_client", ownSoftware, 30_000),
};

/**
 * What only looks as long as a daemon's tell: the kernel says that a packet was dropped by this box itself when it sends it
 * again, a second later.
 */
export const patientFaults: Readonly<Record<string, Fault>> = {
  "a firewall of the box drops whatever is sent": firewall(["drop"], ambiguous),
  "a firewall of the box drops what is sent to the service": firewall(
    [`ip daddr ${addresses.service} drop`],
    ambiguous,
  ),
  "a firewall of the box drops all connections but those of the site": firewall(
    ["ip daddr != 10.77.1.0/24 meta l4proto tcp drop"],
    ambiguous,
  ),
  "a firewall of the box drops what is sent to the token endpoint": {
    ...firewall(["tcp dport 8443 drop"], ambiguous),
    askedWithinMs: tokenHeldMs + 15_000,
  },
  "line dead behind the router of a box that lets out only what it needs": careful(lineDead),
  "service refuses connections of a box that lets out only what it needs": careful(service("refuses")),
  "service refuses connections of a box that refuses whatever it does not need": careful(service("refuses"), "reject"),
};

/** A firewall that is as it should be changes nothing. */
function careful(fault: Fault, otherwise: "drop" | "reject" = "drop"): Fault {
  const needed = ["oif lo accept", "udp dport 53 accept", "tcp dport { 53, 80, 443, 8443 } accept"];
  const strict = firewall([...needed, otherwise], fault.expected);
  return {
    ...fault,
    break: async (world) => {
      await strict.break(world);
      await fault.break(world);
    },
    mend: async (world) => {
      await fault.mend(world);
      await strict.mend(world);
    },
  };
}

/** Rules for what leaves the box. */
function firewall(rules: readonly string[], expected: Fault["expected"]): Fault {
  const chain = "add table ip own; add chain ip own out { type filter hook output priority 0; }";
  return {
    expected,
    seenBy: "beyond",
    break: async (world) => {
      world.run("box", "nft", [chain, ...rules.map((rule) => `add rule ip own out ${rule}`)].join("; "));
      await world.order({ kind: "dns", answers: true, connections: "closed" });
    },
    mend: (world) => world.run("box", "nft", "delete table ip own"),
  };
}

/** An interface without a gateway: what is sent into it comes out nowhere. */
function deadTunnel(world: World): void {
  world.ip("box", "link", "add", "tunnel", "type", "veth", "peer", "nowhere");
  world.ip("box", "link", "set", "tunnel", "arp", "off");
  world.ip("box", "addr", "add", "10.77.9.2/32", "dev", "tunnel");
  for (const end of ["nowhere", "tunnel"]) world.ip("box", "link", "set", end, "up");
}

/** As slow as an old modem: 256 kbit a second, up to 400 ms in its queue. */
const slowLine = ["tbf", "rate", "256kbit", "burst", "4kb", "latency", "400ms"];
/**
 * Every tenth packet, not each with a chance of one in ten: chance now and then takes a question to a name server or all tries
 * of a connection in three looks in a row, which is then a partial failure and rightly told. A test has to know what it meets.
 */
const lossyForwarding = `add table ip loss;
  add chain ip loss forward { type filter hook forward priority 0; };
  add rule ip loss forward numgen inc mod 10 == 0 drop`;
