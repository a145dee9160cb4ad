import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { elapsedMs, type MonotonicNs, monotonicNs, type Time } from "../base/time.ts";
import { findingOf } from "./cause.ts";
import { logChange } from "./change-log.ts";
import { type Contradiction, contradictionAfter, type SeenCall } from "./contradiction.ts";
import { windowsOfLastRun } from "./last-run.ts";
import { type Layers, nothingSeen } from "./layers.ts";
import type { Look } from "./look.ts";
import type { Heartbeat, OutageStore } from "./outage-store.ts";
import { isNewer, serviceStateOf } from "./service-state.ts";
import { type Cadence, defaultCadence } from "./watch-cadence.ts";
import { WindowKeeping } from "./window-keeping.ts";
import {
  initialWatch,
  laterOf,
  type Moment,
  type OutageWindow,
  type Sample,
  step,
  type WatchState,
  type WindowChange,
} from "./windows.ts";

export type Probes = {
  /** How each thing that was looked at came out the last time. */
  readonly looks: readonly Look[];
  local(): Promise<Pick<Layers, "link" | "lan">>;
  beyond(signal: AbortSignal): Promise<Pick<Layers, "firstHop" | "dns" | "anchors" | "service" | "otherChannel">>;
};

export type OutagePorts = {
  readonly probes: Probes;
  readonly store: OutageStore;
  /** A monotonic moment of this boot as the clock dates it by now. */
  readonly moment: (atNs: MonotonicNs) => Moment;
  /** How often this run has seen that the box slept. */
  readonly sleeps: () => number;
  /** What the UPS says of its supply now; `unknown` without one. Never rejects. */
  readonly power: () => Promise<Layers["power"]>;
  /** A look, whatever it saw; before the change that it brings about. */
  readonly onSample: (sample: Sample) => void;
  /** A window opened, closed or changed. */
  readonly onChange: (change: WindowChange) => void;
  readonly time: Time;
  readonly log: Log;
};

export type OutageStatus = {
  readonly kind: WatchState["kind"];
  readonly window: OutageWindow | null;
  readonly layers: Layers;
  readonly looks: readonly Look[];
};

/** The shell of the watch: looks at the layers when it is time to, keeps the windows, and says when one changes. */
export class OutageService implements AsyncDisposable {
  readonly #ports: OutagePorts;
  readonly #cadence: Cadence;
  readonly #log: Log;
  readonly #keeping: WindowKeeping;
  readonly #closing = new AbortController();
  readonly #startedNs: MonotonicNs;
  #state: WatchState = initialWatch;
  #layers: Layers = nothingSeen;
  #beyondNs: MonotonicNs | null = null;
  /** What the last call to the service said of it, and when. */
  #call: SeenCall | null = null;
  #contradiction: Contradiction | null = null;
  /** What the last request for a token said of its endpoint. */
  #token: Layers["token"] = "unknown";
  /** When the way to the service was last seen to be open again. */
  #backNs: MonotonicNs | null = null;
  /** As often had the box slept at the look before. */
  #sleeps = 0;
  /** How the last run ended: told once the clock can date it. */
  #lastRun: Heartbeat | null = null;
  #look: Promise<void> = Promise.resolve();
  #timer: Disposable | null = null;

  constructor(ports: OutagePorts, cadence: Cadence = defaultCadence) {
    this.#ports = ports;
    this.#cadence = cadence;
    this.#log = ports.log.child({ room: "outage" });
    this.#keeping = new WindowKeeping({ ...ports, log: this.#log });
    this.#startedNs = ports.time.monotonicNs();
    this.#sleeps = ports.sleeps();
  }

  get status(): OutageStatus {
    const window = this.#state.kind === "open" || this.#state.kind === "settling" ? this.#state.window : null;
    const layers = { ...this.#layers, token: this.#token };
    return { kind: this.#state.kind, window, layers, looks: this.#ports.probes.looks };
  }

  /** Takes up a window that lasted when the last run ended, and begins to watch. */
  async start(): Promise<void> {
    try {
      await this.#takeUpLastRun();
    } catch (error) {
      // The watch begins whatever the disk says: what it sees from now on is not to be lost as well.
      this.#log.error({ error: messageOf(error) }, "what the last run left of outages was not read");
    }
    this.#schedule(0);
  }

  async #takeUpLastRun(): Promise<void> {
    const { store } = this.#ports;
    const lastRun = await store.lastHeartbeat();
    const open = await store.openWindow();
    this.#lastRun = lastRun;
    // Until the clock knows the time there is no sign of life of this run.
    if (lastRun !== null) await this.#keeping.follow(lastRun);
    if (open !== null) this.#state = { kind: "open", window: open, lastBad: lastBadOf(open, lastRun) };
  }

  /** What a call of the forwarder said of the service; what it said of us holds until the next call. */
  callEnded(state: Layers["service"]): void {
    this.#call = { state, atNs: this.#ports.time.monotonicNs() };
    // A failure is looked into at once, and so is the end of one.
    if (state !== "ok" || this.#state.kind === "open") this.#schedule(0);
  }

  /**
   * What a request for a token said of its endpoint, or that there is one to call with; holds until the next request.
   *
   * @param askedNs when the request left: one that failed and left before the way was seen to be open again says nothing of
   * the endpoint, for it left into the outage
   */
  tokenSeen(seen: Layers["token"], askedNs: MonotonicNs): void {
    const isStale = isDown(seen) && this.#backNs !== null && askedNs < this.#backNs;
    const state = isStale ? "unknown" : seen;
    const isNews = state !== this.#token;
    this.#token = state;
    if (isNews && (state !== "ok" || this.#state.kind === "open")) this.#schedule(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#timer?.[Symbol.dispose]();
    await this.#look;
    await this.#keeping.end(this.#lastRun !== null);
  }

  #schedule(delayMs: number): void {
    if (this.#closing.signal.aborted) return;
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#ports.time.after(delayMs, () => {
      this.#timer = null;
      this.#look = this.#look.then(() => this.#round());
    });
  }

  async #round(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const beganNs = this.#ports.time.monotonicNs();
    try {
      await this.#observe();
    } catch (error) {
      // A look that fails is no look: the layers are told as unknown, and that opens nothing.
      this.#log.error({ error: messageOf(error) }, "looking at the network failed");
    }
    const { lookMs, suspectMs } = this.#cadence;
    const suspectedMs = Math.max(breathMs, suspectMs - elapsedMs(beganNs, this.#ports.time.monotonicNs()));
    if (this.#timer === null) this.#schedule(this.#state.kind === "suspect" ? suspectedMs : lookMs);
  }

  async #observe(): Promise<void> {
    const { probes, time, moment } = this.#ports;
    const atNs = time.monotonicNs();
    // What a call says while the others are being asked is newer than their answers, and may be about a network that broke
    // or came back in between: it is for the next look, which it has made due.
    const [call, token] = [this.#call, this.#token];
    const before = { contradiction: this.#contradiction, layers: this.#layers, beganNs: this.#beyondNs };
    const local = await probes.local();
    const isCutOff = local.link === "down";
    const isBeyondDue = this.#isBeyondDue(atNs, local);
    const beyond = isCutOff ? beyondUnknown : isBeyondDue ? await this.#lookBeyond(local.lan) : null;
    if (this.#closing.signal.aborted) return;
    // That nothing can be reached is an answer too: a call from before the cable was out says nothing of the time after.
    if (beyond !== null) this.#beyondNs = atNs;
    const wasOpen = isWayOpen(this.#layers);
    this.#layers = { ...this.#layers, ...local, ...beyond };
    const isBack = !wasOpen && isWayOpen(this.#layers);
    this.#contradiction = contradictionAfter(before, call, { ...this.#layers, token }, beyond !== null);
    if (isBack) this.#wayIsBack();
    const looked = { state: this.#layers.service, beganNs: this.#beyondNs };
    const layers: Layers = {
      ...this.#layers,
      service: serviceStateOf(looked, call, this.#contradiction, time.monotonicNs()),
      token: isBack && isDown(token) ? "unknown" : token,
    };
    const sample: Sample = {
      began: moment(atNs),
      at: moment(time.monotonicNs()),
      layers,
      finding: findingOf(layers),
      isWhole: beyond !== null,
      hasSlept: this.#hasSlept(),
    };
    const { state, changes } = step(this.#state, sample, this.#cadence.mergeMs);
    this.#state = state;
    this.#ports.onSample(sample);
    for (const change of changes) await this.#tell(change);
    await this.#tellOfLastRun();
    this.#keeping.dateAll();
    if (!this.#keeping.isAllWritten) await this.#keeping.writeAll(this.#lastRun !== null);
    // The last run's sign of life is not written over before its end was told.
    if (this.#lastRun !== null) return;
    const power = beyond === null ? this.#keeping.power : await this.#ports.power();
    await this.#keeping.live(power, atNs, this.#cadence.heartbeatMs);
  }

  #hasSlept(): boolean {
    const before = this.#sleeps;
    this.#sleeps = this.#ports.sleeps();
    return this.#sleeps !== before;
  }

  #isBeyondDue(nowNs: MonotonicNs, local: Pick<Layers, "lan">): boolean {
    const isQuiet = this.#state.kind === "quiet" || this.#state.kind === "settling";
    const callFailed = this.#call !== null && this.#call.state !== "ok" && isNewer(this.#call, this.#beyondNs);
    const tokenFailed = isDown(this.#token) || this.#token === "refuses-us";
    if (!isQuiet || local.lan === "failed" || callFailed || tokenFailed || this.#beyondNs === null) return true;
    return elapsedMs(this.#beyondNs, nowNs) >= this.#cadence.beyondMs;
  }

  /** Without a gateway nothing answers, but over another protocol that has its own: that is not waited for long. */
  async #lookBeyond(lan: Layers["lan"]): Promise<Partial<Layers>> {
    const enough = new AbortController();
    using _patience = lan === "failed" ? this.#ports.time.after(withoutGatewayMs, () => enough.abort()) : null;
    const signal = AbortSignal.any([this.#closing.signal, enough.signal]);
    return await Promise.race([this.#ports.probes.beyond(signal), unknownAfter(signal)]);
  }

  /** A token endpoint that failed while the way was closed may be back with it: that is asked anew. */
  #wayIsBack(): void {
    this.#backNs = this.#ports.time.monotonicNs();
    if (isDown(this.#token)) this.#token = "unknown";
  }

  async #tell(change: WindowChange): Promise<void> {
    logChange(this.#log, change);
    const window = await this.#keeping.keep(change.window, this.#lastRun !== null);
    this.#ports.onChange({ ...change, window });
  }

  /**
   * The end of the last run is a window of its own, once the clock knows the time: it can say then when that was, or never
   * will, where the box has slept in between.
   */
  async #tellOfLastRun(): Promise<void> {
    if (this.#lastRun === null || !this.#keeping.knowsTime()) return;
    const { moment } = this.#ports;
    const windows = windowsOfLastRun(this.#lastRun, moment(monotonicNs(0n)), moment(this.#startedNs));
    for (const window of windows.slice(0, -1)) await this.#tell({ kind: "closed", window });
    // From here on there is a sign of life of this run beside what is told of the one before: killed in between, it would be
    // taken for a part of that end.
    this.#lastRun = null;
    for (const window of windows.slice(-1)) await this.#tell({ kind: "closed", window });
  }
}

/**
 * When a window that is taken up was last known to fail. A sign of life is written by the failing look before it, but may
 * be older than the window, which cannot have ended before it began.
 */
function lastBadOf({ firstBad }: OutageWindow, lastRun: Heartbeat | null): Moment {
  return lastRun === null ? firstBad : laterOf(firstBad, lastRun.at);
}

/** Names are told and the service answers: an endpoint beside it can be reached as far as this box can tell. */
function isWayOpen({ service, dns }: Layers): boolean {
  return service === "ok" && dns !== "failed";
}

function isDown(token: Layers["token"]): boolean {
  return token === "failed" || token === "unproven";
}

/** Between two looks, however long the first of them took. */
const breathMs = 500;
const withoutGatewayMs = 1_000;

function unknownAfter(signal: AbortSignal): Promise<typeof beyondUnknown> {
  if (signal.aborted) return Promise.resolve(beyondUnknown);
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(beyondUnknown), { once: true }));
}

const beyondUnknown = {
  firstHop: "unknown",
  dns: "unknown",
  anchors: "unknown",
  service: "unknown",
  otherChannel: "unknown",
} as const;
