import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { elapsedMs, type MonotonicNs, monotonicNs, type Time } from "../base/time.ts";
import { findingOf } from "./cause.ts";
import { type Contradiction, contradictionAfter, isProven, type SeenCall } from "./contradiction.ts";
import { lastSegmentOf } from "./explanation.ts";
import { windowsOfLastRun } from "./last-run.ts";
import { type Layers, nothingSeen } from "./layers.ts";
import type { Look } from "./look.ts";
import { isOtherChannelOpen, onlineServiceUrl } from "./other-channel.ts";
import type { Heartbeat, OutageStore } from "./outage-store.ts";
import {
  initialWatch,
  laterOf,
  type Moment,
  mergeMs,
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

/** How often the layers are looked at. */
export type Cadence = {
  /** The local ones while all is well, and all while a window lasts. */
  readonly lookMs: number;
  /** All of them while it is not yet known for a window; from the beginning of a look to that of the next. */
  readonly suspectMs: number;
  /** What lies beyond the gateway, while all is well. */
  readonly beyondMs: number;
  /** A sign of life on disk: so rare that it does not wear an SD card out. */
  readonly heartbeatMs: number;
  /** Failing again this soon after its end belongs to the same window. */
  readonly mergeMs: number;
};

export const defaultCadence: Cadence = {
  lookMs: 5_000,
  suspectMs: 3_000,
  beyondMs: 30_000,
  heartbeatMs: 600_000,
  mergeMs,
};

export type OutageStatus = {
  readonly kind: WatchState["kind"];
  readonly window: OutageWindow | null;
  readonly layers: Layers;
  readonly looks: readonly Look[];
};

/** No call speaks for longer than the longest wait for the next, of an hour. */
const callSpeaksMs = 70 * 60_000;

/** The shell of the watch: looks at the layers when it is time to, keeps the windows, and says when one changes. */
export class OutageService implements AsyncDisposable {
  readonly #ports: OutagePorts;
  readonly #cadence: Cadence;
  readonly #log: Log;
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
  #beatNs: MonotonicNs | null = null;
  /** Windows as they are, that the disk refused. */
  readonly #unwritten: Map<string, OutageWindow> = new Map();
  #isRefused = false;
  /** Windows that hold a moment from before the clock knew the time. */
  readonly #undated: Map<string, OutageWindow> = new Map();
  #power: Layers["power"] = "unknown";
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
    await this.#follow(lastRun);
    if (open !== null) this.#state = { kind: "open", window: open, lastBad: lastBadOf(open, lastRun) };
  }

  /** Until the clock knows the time there is no sign of life of this run: that it began in another boot is written beside the last. */
  async #follow(lastRun: Heartbeat | null): Promise<void> {
    const { bootId } = this.#ports.moment(this.#startedNs);
    if (lastRun === null || lastRun.at.bootId === bootId || lastRun.followedBy !== undefined || this.#knowsTime())
      return;
    await this.#keep(() => this.#ports.store.beat({ ...lastRun, followedBy: bootId }));
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
    if (this.#unwritten.size > 0) await this.#keepWindows();
    if (this.#beatNs !== null && this.#unwritten.size === 0) await this.#keep(() => this.#beat(true));
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
    const beyond = isCutOff ? beyondUnknown : isBeyondDue ? await this.#lookBeyond(atNs, local.lan) : null;
    if (this.#closing.signal.aborted) return;
    const wasOpen = isWayOpen(this.#layers);
    this.#layers = { ...this.#layers, ...local, ...beyond };
    const isBack = !wasOpen && isWayOpen(this.#layers);
    this.#contradiction = contradictionAfter(before, call, this.#layers, beyond !== null);
    if (isBack) this.#wayIsBack();
    const layers: Layers = {
      ...this.#layers,
      service: this.#serviceState(call),
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
    this.#dateWindows();
    // A sign of life beside an end that is not written would make a window last until then: it waits for that.
    if (this.#unwritten.size > 0) await this.#keepWindows();
    // The last run's sign of life is not written over before its end was told.
    if (this.#lastRun !== null) return;
    const power = beyond === null ? this.#power : await this.#ports.power();
    const isDue = this.#beatNs === null || elapsedMs(this.#beatNs, atNs) >= this.#cadence.heartbeatMs;
    // A box on battery may have little time left: what the UPS says now is what tells whose fault its end was.
    const hasTurned = power !== this.#power;
    if (hasTurned) this.#log.warn({ power, before: this.#power }, "the supply of the box changed");
    this.#power = power;
    if ((isDue || hasTurned) && this.#unwritten.size === 0) await this.#keep(() => this.#beat(false));
  }

  #hasSlept(): boolean {
    const before = this.#sleeps;
    this.#sleeps = this.#ports.sleeps();
    return this.#sleeps !== before;
  }

  #isBeyondDue(nowNs: MonotonicNs, local: Pick<Layers, "lan">): boolean {
    const isQuiet = this.#state.kind === "quiet" || this.#state.kind === "settling";
    const callFailed = this.#call !== null && this.#call.state !== "ok" && this.#isNewerThanBeyond(this.#call.atNs);
    const tokenFailed = isDown(this.#token) || this.#token === "refuses-us";
    if (!isQuiet || local.lan === "failed" || callFailed || tokenFailed || this.#beyondNs === null) return true;
    return elapsedMs(this.#beyondNs, nowNs) >= this.#cadence.beyondMs;
  }

  /** Without a gateway nothing answers, but over another protocol that has its own: that is not waited for long. */
  async #lookBeyond(atNs: MonotonicNs, lan: Layers["lan"]): Promise<Partial<Layers>> {
    const enough = new AbortController();
    using _patience = lan === "failed" ? this.#ports.time.after(withoutGatewayMs, () => enough.abort()) : null;
    const signal = AbortSignal.any([this.#closing.signal, enough.signal]);
    const found = await Promise.race([this.#ports.probes.beyond(signal), unknownAfter(signal)]);
    this.#beyondNs = atNs;
    return found;
  }

  /** A token endpoint that failed while the way was closed may be back with it: that is asked anew. */
  #wayIsBack(): void {
    this.#backNs = this.#ports.time.monotonicNs();
    if (isDown(this.#token)) this.#token = "unknown";
  }

  /** The newest of both; but a service that refuses what we send may be healthy, and refuses it until the next call. */
  #serviceState(call: SeenCall | null): Layers["service"] {
    const { service } = this.#layers;
    if (call === null) return service;
    if (call.state === "refuses-us") return service === "ok" || service === "unknown" ? "refuses-us" : service;
    if (this.#isNewerThanBeyond(call.atNs)) return call.state;
    const isContradicted = this.#contradiction !== null && isProven(this.#contradiction);
    const speaks = elapsedMs(call.atNs, this.#ports.time.monotonicNs()) <= callSpeaksMs;
    return isContradicted && speaks ? "health-only" : service;
  }

  #isNewerThanBeyond(atNs: MonotonicNs): boolean {
    return this.#beyondNs === null || atNs > this.#beyondNs;
  }

  async #tell(change: WindowChange): Promise<void> {
    const { cause, exemption } = lastSegmentOf(change.window).finding;
    const fields = { window: change.window.key, cause, exemption };
    if (change.kind === "closed") this.#log.info(fields, "outage window closed");
    else this.#log.warn(fields, changeMessages[change.kind]);
    if (change.kind !== "closed" && change.kind !== "gap" && isOtherChannelOpen(cause)) {
      this.#log.warn({ window: change.window.key, cause, onlineService: onlineServiceUrl }, otherChannelMessage);
    }
    const window = this.#dated(change.window);
    this.#unwritten.set(window.key, window);
    if (this.#isUndated(window)) this.#undated.set(window.key, window);
    else this.#undated.delete(window.key);
    await this.#keepWindows();
    this.#ports.onChange({ ...change, window });
  }

  /**
   * A window that goes on may have no other change before the box goes off, and the next boot cannot date it. What the clock
   * does not know of the past once it knows the present it never will: that is written without a bound.
   */
  #dateWindows(): void {
    if (!this.#knowsTime()) return;
    for (const [key, window] of this.#undated) {
      this.#undated.delete(key);
      this.#unwritten.set(key, this.#dated(window));
    }
  }

  #knowsTime(): boolean {
    const { moment, time } = this.#ports;
    return moment(time.monotonicNs()).errorBoundMs !== null;
  }

  /** Holds a moment of this boot that the clock can date once it knows the time. */
  #isUndated({ firstBad, end }: OutageWindow): boolean {
    const { bootId } = this.#ports.moment(this.#startedNs);
    return [firstBad, end?.lastBad, end?.firstGood].some((at) => at?.errorBoundMs === null && at.bootId === bootId);
  }

  /** Tries again with every look what the disk refused, and says so once. */
  async #keepWindows(): Promise<void> {
    try {
      for (const [key, window] of this.#unwritten) {
        const isFirstSign = this.#beatNs === null && this.#lastRun === null && this.#unwritten.size === 1;
        const heartbeat = isFirstSign ? this.#heartbeat(false) : undefined;
        await this.#ports.store.saveWindow(window, heartbeat);
        if (heartbeat !== undefined) this.#beatNs = heartbeat.at.monotonicNs;
        this.#unwritten.delete(key);
      }
      this.#isRefused = false;
    } catch (error) {
      if (!this.#isRefused) this.#log.error({ error: messageOf(error) }, "outage not written");
      this.#isRefused = true;
    }
  }

  /**
   * The end of the last run is a window of its own, once the clock knows the time: it can say then when that was, or never
   * will, where the box has slept in between.
   */
  async #tellOfLastRun(): Promise<void> {
    if (this.#lastRun === null || !this.#knowsTime()) return;
    const { moment } = this.#ports;
    const windows = windowsOfLastRun(this.#lastRun, moment(monotonicNs(0n)), moment(this.#startedNs));
    for (const window of windows.slice(0, -1)) await this.#tell({ kind: "closed", window });
    // From here on there is a sign of life of this run beside what is told of the one before: killed in between, it would be
    // taken for a part of that end.
    this.#lastRun = null;
    for (const window of windows.slice(-1)) await this.#tell({ kind: "closed", window });
  }

  /** Moments that were noted before the clock knew the time are dated by now. */
  #dated(window: OutageWindow): OutageWindow {
    const { moment } = this.#ports;
    const bootId = moment(this.#startedNs).bootId;
    const date = (at: Moment): Moment =>
      at.errorBoundMs === null && at.bootId === bootId ? moment(at.monotonicNs) : at;
    const [first, ...others] = window.segments;
    return {
      ...window,
      lastGood: window.lastGood === null ? null : date(window.lastGood),
      firstBad: date(window.firstBad),
      openedAt: date(window.openedAt),
      segments: [{ ...first, from: date(first.from) }, ...others.map((each) => ({ ...each, from: date(each.from) }))],
      gaps: window.gaps.map(({ from, to }) => ({ from: date(from), to: date(to) })),
      ...(window.healed === undefined
        ? {}
        : { healed: window.healed.map(({ from, to }) => ({ from: date(from), to: date(to) })) }),
      end: window.end === null ? null : { lastBad: date(window.end.lastBad), firstGood: date(window.end.firstGood) },
    };
  }

  async #beat(ended: boolean): Promise<void> {
    const heartbeat = this.#heartbeat(ended);
    this.#beatNs = heartbeat.at.monotonicNs;
    await this.#ports.store.beat(heartbeat);
  }

  #heartbeat(ended: boolean): Heartbeat {
    return { at: this.#ports.moment(this.#ports.time.monotonicNs()), ended, power: this.#power };
  }

  /** The watch goes on when the disk does not: what it sees next is written whole. */
  async #keep(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      this.#log.error({ error: messageOf(error) }, "outage not written");
    }
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

/** Stable, as all messages are: people's own alarms listen for it. */
export const otherChannelMessage: string = "this box cannot send, have people register over the online service now";

const changeMessages = {
  opened: "outage window opened",
  reopened: "outage window goes on",
  "cause-changed": "outage has another cause",
  gap: "outage was not watched for a while",
} as const;
