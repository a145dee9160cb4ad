import { type MonotonicNs, monotonicNs, type Time, type WallMs, wallMs } from "./time.ts";

/** The one place that touches `Date`, `process.hrtime` and timers. */
export const systemTime: Time = {
  monotonicNs: (): MonotonicNs => monotonicNs(process.hrtime.bigint()),
  wallMs: (): WallMs => wallMs(Date.now()),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
  every(periodMs, run) {
    const timer = setInterval(run, periodMs);
    timer.unref();
    return { [Symbol.dispose]: () => clearInterval(timer) };
  },
  sleep(delayMs, signal) {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, delayMs);
      signal?.addEventListener("abort", done, { once: true });
    });
  },
};

/** Keeps the process running until disposed, where nothing else would: the timers of `systemTime` do not. */
export function keepAlive(): Disposable {
  const timer = setInterval(() => {}, 2 ** 31 - 1);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** For libraries that take nothing else. */
export function dateOf(at: WallMs): Date {
  return new Date(at);
}

/** `2026-01-31T07:02:11.250Z`. */
export function utcText(at: WallMs): string {
  return new Date(at).toISOString();
}

/** `2026-01-31T07:02:11Z`: cut, never rounded up, so that it is never in the future. */
export function utcSecondsText(at: WallMs): string {
  const seconds = Math.floor(at / 1000);
  const day = Math.floor(seconds / daySeconds);
  const ofDay = seconds - day * daySeconds;
  const [hours, minutes] = [Math.floor(ofDay / 3600), Math.floor(ofDay / 60) % 60];
  return `${dayText(day)}T${twoDigits(hours)}:${twoDigits(minutes)}:${twoDigits(ofDay % 60)}Z`;
}

const daySeconds = 86_400;
/** Written once for each scan of a call, on the same day nearly always: the calendar is asked when it is another. */
let latestDay = { day: Number.NaN, text: "" };

function dayText(day: number): string {
  if (day !== latestDay.day) {
    const [text = ""] = new Date(day * daySeconds * 1000).toISOString().split("T");
    latestDay = { day, text };
  }
  return latestDay.text;
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

/** Reads ISO 8601 with an explicit zone; `null` when it is anything else. */
export function parseUtcText(text: string): WallMs | null {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.test(text)) return null;
  const value = Date.parse(text);
  return Number.isNaN(value) ? null : wallMs(value);
}

/** HTTP-date in its preferred form (RFC 9110 section 5.6.7): `Sat, 31 Jan 2026 07:02:11 GMT`. */
export function httpDateText(at: WallMs): string {
  return new Date(at).toUTCString();
}

/** Reads an HTTP-date in any of its three forms (RFC 9110 section 5.6.7); `null` when it is none. */
export function parseHttpDate(text: string): WallMs | null {
  if (!/^[A-Z][a-z]+,? .*\d{2}:\d{2}:\d{2}/.test(text)) return null;
  // The form of asctime names no zone and means UTC; it would be read in the box's own.
  const value = Date.parse(/ (?:[A-Z]{1,4}|[+-]\d{4})$/.test(text) ? text : `${text} GMT`);
  return Number.isNaN(value) ? null : wallMs(value);
}
