/**
 * What the layers between the box and the service look like at one moment, each reduced to what a cause can hang on.
 * `unknown` is a layer that was not looked at, or cannot be: it never counts as a failure.
 */
export type Layers = {
  /** badged itself: how it came to be running. */
  readonly box: (typeof boxStates)[number];
  /** The UPS around the end of the last run; `unknown` without one. */
  readonly power: (typeof powerStates)[number];
  /** Carrier of the interface with the default route. */
  readonly link: (typeof linkStates)[number];
  /** Address, default route and gateway. */
  readonly lan: (typeof reachStates)[number];
  /** The first address beyond the gateway. */
  readonly firstHop: (typeof reachStates)[number];
  /** Of several resolvers, the best. */
  readonly dns: (typeof reachStates)[number];
  /** Literal addresses in different networks. */
  readonly anchors: (typeof anchorStates)[number];
  readonly service: (typeof serviceStates)[number];
  readonly token: (typeof tokenStates)[number];
  /** A second interface, or a supervisor who tried with the online service. */
  readonly otherChannel: (typeof otherChannelStates)[number];
};

/** - `crashed`: the box ran, and badged did not. The reboots are told apart by the record of the shutdown. */
export const boxStates = ["running", "crashed", "rebooted", "rebooted-unclean"] as const;
/** - `low`: no UPS tells of the supply, and the firmware sees too low a voltage. */
export const powerStates = ["unknown", "mains", "battery", "low"] as const;
export const linkStates = ["unknown", "up", "down"] as const;
export const reachStates = ["unknown", "ok", "failed"] as const;
export const anchorStates = ["unknown", "all", "some", "none"] as const;

/**
 * - `unreachable`: refused, reset or silent, over TCP or in the middle of a call.
 * - `server-error`: an answer of 5xx, or its health says `DOWN`.
 * - `health-only`: its health says `UP`, and our calls get 5xx or no answer all the same: it may be its fault, what we send, or
 *   the way that takes a question and no call. Or the other way round: it takes our calls, so that registrations can be made.
 * - `bad-certificate`: its certificate is not valid at the time that our clock proves.
 * - `other-name`: a certificate of another name is shown at its address: the service's mistake, or somebody in between.
 * - `other-way`: it fails as above, and not on the way where everything else is: a firewall of this box keeps back what is
 *   sent there, a tunnel of the site's takes it, or its address is a program of the employer's, such as a proxy.
 * - `own-tls`: it is valid, but this box does not take it: its system clock, its authorities or its pin are wrong.
 * - `refuses-us`: 4xx, 401, 429. It answered; what it did not like is ours. So is a call that this box could not make.
 */
export const serviceStates = [
  "unknown",
  "ok",
  "unreachable",
  "server-error",
  "health-only",
  "bad-certificate",
  "other-name",
  "other-way",
  "own-tls",
  "refuses-us",
] as const;
/**
 * - `failed`: it does not answer, answers 5xx or what nobody can read, or shows a certificate that nobody should take.
 * - `unproven`: the same, and it has not given a token since badged started, so that its address may be a slip of the
 *   configuration; or its address is the employer's own; or no name server tells its address, and that one may be the site's own; or a certificate of another
 *   name is shown there.
 * - `refuses-us`: the client id, the key, how often we ask, or what this box makes of its certificate is wrong: ours.
 */
export const tokenStates = ["unknown", "ok", "failed", "unproven", "refuses-us"] as const;
/** - `untried`: there is a second interface, and it could not be tried: nobody told where the service is, or it cannot be had. */
export const otherChannelStates = ["unknown", "untried", "answered", "failed"] as const;

/** Nothing is wrong and nothing was looked at. */
export const nothingSeen: Layers = {
  box: "running",
  power: "unknown",
  link: "unknown",
  lan: "unknown",
  firstHop: "unknown",
  dns: "unknown",
  anchors: "unknown",
  service: "unknown",
  token: "unknown",
  otherChannel: "unknown",
};
