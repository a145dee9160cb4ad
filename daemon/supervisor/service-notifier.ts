import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { elapsedMs, type MonotonicNs, type Time } from "../base/time.ts";

/** What systemd hands to a `Type=notify` service, see sd_notify(3) and sd_watchdog_enabled(3). */
export type NotifyEnvironment = {
  readonly NOTIFY_SOCKET?: string | undefined;
  readonly WATCHDOG_USEC?: string | undefined;
  readonly WATCHDOG_PID?: string | undefined;
};

export type ServiceNotifierOptions = {
  readonly environment: NotifyEnvironment;
  /** Process id that `WATCHDOG_PID` must name for the watchdog to be meant for this process. */
  readonly pid: number;
  /** Whether the daemon does its job. An answer that never comes is a hang: the pings stop, and systemd restarts. */
  readonly alive: () => Promise<boolean>;
  /** The program that writes to the socket, which Node cannot: it has no unix datagram sockets. */
  readonly command?: string;
  readonly time: Time;
  readonly log: Log;
};

/**
 * Tells systemd how the service is. Notices leave in the order in which they were given. A notice that cannot be
 * given is logged and never fails its caller: a READY that is missed ends in a restart once the time to start is over.
 */
export interface ServiceNotifier extends AsyncDisposable {
  /** The service does its job; from here on the watchdog is fed. */
  ready(status: string): Promise<void>;
  /** One line for `systemctl status`. No personal data: the journal keeps it. */
  status(status: string): Promise<void>;
  /**
   * Something goes on that takes longer than systemd waits, such as the salvage of a large damaged database. A start or a
   * stop that says so is given more time, and between them the watchdog is fed by it, for the answer to whether the daemon
   * is well has to wait.
   */
  progressed(): void;
  /** The service is on its way down; the watchdog is fed no more. */
  stopping(status: string): Promise<void>;
}

/** From a word of progress on, a start or a stop may take this long until the next, as `TimeoutStartSec=` gives a start. */
const extendedMs = 120_000;
/** Progress comes many times a second; each notice is a process. */
const progressToldAgainMs = 10_000;

/** A healthy `systemd-notify` takes a few milliseconds. */
const commandTimeoutMs = 5_000;

/** `systemctl status` shows one line; a longer text is cut. */
export const statusCharactersMax = 200;

const run = promisify(execFile);

/** A notifier that does nothing when the process was not started by systemd as `Type=notify`. */
export function createServiceNotifier(options: ServiceNotifierOptions): ServiceNotifier {
  return options.environment.NOTIFY_SOCKET === undefined ? silentNotifier : new SystemdNotifier(options);
}

/**
 * How often to feed the watchdog: half of what systemd waits, as sd_watchdog_enabled(3) advises; `null` when the
 * watchdog is off or meant for another process.
 */
export function watchdogPeriodMs(environment: NotifyEnvironment, pid: number): number | null {
  const { WATCHDOG_USEC: usec, WATCHDOG_PID: watched } = environment;
  if (usec === undefined || !/^[1-9]\d{0,14}$/.test(usec)) return null;
  if (watched !== undefined && watched !== String(pid)) return null;
  return Math.max(1, Math.floor(Number(usec) / 1000 / 2));
}

const silentNotifier: ServiceNotifier = {
  ready: () => Promise.resolve(),
  status: () => Promise.resolve(),
  progressed: () => {},
  stopping: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

class SystemdNotifier implements ServiceNotifier {
  readonly #options: ServiceNotifierOptions;
  /** A stop that is asked for during a start is told of only after it. */
  #state: "starting" | "ready" | "stopping" = "starting";
  #watchdog: Disposable | null = null;
  #isProbing = false;
  #progressToldNs: MonotonicNs | null = null;
  #progressToldAgainMs = progressToldAgainMs;
  #notices: Promise<void> = Promise.resolve();

  constructor(options: ServiceNotifierOptions) {
    this.#options = options;
  }

  ready(status: string): Promise<void> {
    this.#state = "ready";
    const periodMs = watchdogPeriodMs(this.#options.environment, this.#options.pid);
    if (periodMs !== null && this.#watchdog === null) {
      this.#watchdog = this.#options.time.every(periodMs, () => this.#probe());
      this.#progressToldAgainMs = Math.min(progressToldAgainMs, periodMs);
    }
    return this.#notify("READY=1", statusLine(status));
  }

  status(status: string): Promise<void> {
    return this.#notify(statusLine(status));
  }

  /** At once, and not at the next tick: the last one that fed may be almost all that systemd waits ago by then. */
  progressed(): void {
    const isReady = this.#state === "ready";
    if (isReady && this.#watchdog === null) return;
    const now = this.#options.time.monotonicNs();
    if (this.#progressToldNs !== null && elapsedMs(this.#progressToldNs, now) < this.#progressToldAgainMs) return;
    this.#progressToldNs = now;
    void this.#notify(isReady ? "WATCHDOG=1" : `EXTEND_TIMEOUT_USEC=${extendedMs * 1000}`);
  }

  stopping(status: string): Promise<void> {
    this.#state = "stopping";
    this.#stopWatchdog();
    return this.#notify("STOPPING=1", statusLine(status));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopWatchdog();
    await this.#notices;
  }

  #stopWatchdog(): void {
    this.#watchdog?.[Symbol.dispose]();
    this.#watchdog = null;
  }

  /** One probe at a time: while one hangs there is nothing to tell systemd, and that is what it has to notice. */
  #probe(): void {
    if (!this.#isProbing) void this.#feed();
  }

  async #feed(): Promise<void> {
    const { alive, log } = this.#options;
    this.#isProbing = true;
    try {
      if (!(await alive())) log.error({}, "watchdog not fed: the daemon is not healthy");
      else if (this.#watchdog !== null) await this.#notify("WATCHDOG=1");
    } catch (error) {
      log.error({ error: messageOf(error) }, "watchdog not fed: the health probe failed");
    } finally {
      this.#isProbing = false;
    }
  }

  #notify(...assignments: readonly string[]): Promise<void> {
    this.#notices = this.#notices.then(() => this.#give(assignments));
    return this.#notices;
  }

  async #give(assignments: readonly string[]): Promise<void> {
    const { command = "systemd-notify", environment, log } = this.#options;
    try {
      // The rest of the environment stays here: it may name secrets, and the program needs none of it but PATH.
      await run(command, ["--", ...assignments], {
        timeout: commandTimeoutMs,
        env: { PATH: process.env["PATH"], NOTIFY_SOCKET: environment.NOTIFY_SOCKET },
      });
    } catch (error) {
      log.warn({ error: messageOf(error), assignments: assignments.length }, "systemd could not be notified");
    }
  }
}

/** A line break would begin another assignment. */
function statusLine(status: string): string {
  return `STATUS=${status.replace(/\p{Cc}+/gu, " ").slice(0, statusCharactersMax)}`;
}
