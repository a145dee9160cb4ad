import type { ReaderState } from "../contract.ts";
import type { Device } from "./hang-up-binding.ts";
import type { Offline } from "./offline.ts";

/**
 * Keeps one serial port open whenever its device is there.
 *
 * | state | guarantees | leaves on |
 * | --- | --- | --- |
 * | `idle` | nothing is open, no timer runs | `start` → opening |
 * | `opening` | one open is under way | `opened` → open; `open-failed` → waiting |
 * | `open` | bytes flow; the device is watched | `lost` → waiting; `watched` with another device or none → closing |
 * | `closing` | a close is under way, with a deadline | `closed`, `lost`, `due` (deadline) → waiting |
 * | `waiting` | nothing is open, a retry is timed | `due` → opening |
 * | `stopped` | nothing is opened any more, for ever | – |
 *
 * `stop` leads to `stopped` from anywhere. A port that opens after that is closed again, and one that is open when its
 * reader is stopped is closed without a word. The state is announced when it
 * becomes online, and when it becomes offline or is offline for another reason; a retry that fails alike says nothing.
 */
export type Reconnect =
  | { readonly kind: "idle" }
  /** `offline` is why the last open failed; `null` at the first. */
  | { readonly kind: "opening"; readonly offline: Offline | null; readonly failures: number }
  | { readonly kind: "open"; readonly device: Device }
  | { readonly kind: "closing"; readonly offline: Offline }
  | { readonly kind: "waiting"; readonly offline: Offline; readonly failures: number }
  | { readonly kind: "stopped"; readonly offline: Offline };

export type ReconnectInput =
  | { readonly kind: "start" }
  | { readonly kind: "opened"; readonly device: Device }
  | { readonly kind: "open-failed"; readonly offline: Offline }
  /** The port closed by itself; nothing of it is open any more. */
  | { readonly kind: "lost"; readonly offline: Offline }
  /** What is at the path now; `null` for nothing. */
  | { readonly kind: "watched"; readonly device: Device | null }
  | { readonly kind: "closed" }
  | { readonly kind: "due" }
  | { readonly kind: "stop" };

export type ReconnectAction =
  | { readonly kind: "open" }
  | { readonly kind: "close" }
  /** Gives `due` after this long, in place of any that was asked for before. */
  | { readonly kind: "time"; readonly delayMs: number }
  /** Tells the daemon the state that was just entered. */
  | { readonly kind: "announce" };

export type ReconnectStep = { readonly state: Reconnect; readonly actions: readonly ReconnectAction[] };

/** udev has a by-id link back half a second after the plug; a reader that is gone for the night costs a stat per 5 s. */
export const retryMinMs: number = 250;
export const retryMaxMs: number = 5_000;

/** A close that takes longer is given up, and its descriptor with it. */
export const closeMaxMs: number = 5_000;

const announce: ReconnectAction = { kind: "announce" };

const notLookedFor: Offline = { reason: "not-found", detail: "not looked for yet" };

export function readerState(state: Reconnect, path: string): ReaderState {
  switch (state.kind) {
    case "idle":
      return { kind: "offline", ...notLookedFor };
    case "open":
      return { kind: "online", path };
    case "opening":
      return { kind: "offline", ...(state.offline ?? notLookedFor) };
    case "closing":
    case "waiting":
    case "stopped":
      return { kind: "offline", ...state.offline };
  }
}

export function step(state: Reconnect, input: ReconnectInput): ReconnectStep {
  if (input.kind === "stop") return stop(state);
  switch (state.kind) {
    case "idle":
      return input.kind === "start" ? open(null, 0) : stay(state);
    case "opening":
      if (input.kind === "opened") return { state: { kind: "open", device: input.device }, actions: [announce] };
      if (input.kind !== "open-failed") return stay(state);
      return wait(input.offline, state.failures + 1, state.offline?.reason !== input.offline.reason);
    case "open":
      if (input.kind === "lost") return wait(input.offline, 0, true);
      return input.kind === "watched" ? watch(state, input.device) : stay(state);
    case "closing":
      return input.kind === "closed" || input.kind === "lost" || input.kind === "due"
        ? wait(state.offline, 0, false)
        : stay(state);
    case "waiting":
      return input.kind === "due" ? open(state.offline, state.failures) : stay(state);
    case "stopped":
      return input.kind === "opened" ? { state, actions: [{ kind: "close" }] } : stay(state);
  }
}

function stay(state: Reconnect): ReconnectStep {
  return { state, actions: [] };
}

function open(offline: Offline | null, failures: number): ReconnectStep {
  return { state: { kind: "opening", offline, failures }, actions: [{ kind: "open" }] };
}

/** `failures` are the opens in a row that failed. */
function wait(offline: Offline, failures: number, isNews: boolean): ReconnectStep {
  const delayMs = Math.min(retryMaxMs, retryMinMs * 2 ** Math.min(Math.max(failures - 1, 0), 16));
  const time: ReconnectAction = { kind: "time", delayMs };
  return { state: { kind: "waiting", offline, failures }, actions: isNews ? [time, announce] : [time] };
}

function watch(state: Reconnect & { readonly kind: "open" }, device: Device | null): ReconnectStep {
  if (device !== null && device.rdev === state.device.rdev && device.inode === state.device.inode) return stay(state);
  const what = device === null ? "its device is gone from the path" : "another device came to the path";
  return {
    state: { kind: "closing", offline: { reason: "deaf", detail: `${what}, and the open port did not say so` } },
    actions: [{ kind: "close" }, { kind: "time", delayMs: closeMaxMs }, announce],
  };
}

function stop(state: Reconnect): ReconnectStep {
  if (state.kind === "stopped") return stay(state);
  const offline: Offline = { reason: "unplugged", detail: "no longer read by badged" };
  const actions: ReconnectAction[] = state.kind === "open" ? [{ kind: "close" }] : [];
  return { state: { kind: "stopped", offline }, actions };
}
