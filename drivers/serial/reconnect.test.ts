import { describe, expect, test } from "vitest";
import type { Device } from "./hang-up-binding.ts";
import type { Offline } from "./offline.ts";
import {
  closeMaxMs,
  type Reconnect,
  type ReconnectAction,
  type ReconnectInput,
  readerState,
  retryMaxMs,
  retryMinMs,
  step,
} from "./reconnect.ts";

const device: Device = { rdev: 1n, inode: 7n };
const gone: Offline = { reason: "not-found", detail: "there is no device" };
const refused: Offline = { reason: "permission", detail: "may not be opened" };
const unplugged: Offline = { reason: "unplugged", detail: "hung up" };

const idle: Reconnect = { kind: "idle" };
const opening: Reconnect = { kind: "opening", offline: null, failures: 0 };
const retrying: Reconnect = { kind: "opening", offline: gone, failures: 1 };
const open: Reconnect = { kind: "open", device };
const closing: Reconnect = { kind: "closing", offline: { reason: "deaf", detail: "path gone" } };
const waiting: Reconnect = { kind: "waiting", offline: gone, failures: 1 };
const stopped: Reconnect = { kind: "stopped", offline: unplugged };

const opened: ReconnectInput = { kind: "opened", device };
const lost: ReconnectInput = { kind: "lost", offline: unplugged };
const noDevice: ReconnectInput = { kind: "watched", device: null };
const failedAlike: ReconnectInput = { kind: "open-failed", offline: gone };

/** `time 250`, `open`, `close`, `announce`. */
function named(actions: readonly ReconnectAction[]): readonly string[] {
  return actions.map((action) => (action.kind === "time" ? `time ${action.delayMs}` : action.kind));
}

test.each<[string, Reconnect, ReconnectInput, Reconnect["kind"], readonly string[]]>([
  ["starting opens", idle, { kind: "start" }, "opening", ["open"]],
  ["opening succeeds", opening, opened, "open", ["announce"]],
  ["the first failure is told", opening, failedAlike, "waiting", [`time ${retryMinMs}`, "announce"]],
  ["a failure alike is not", retrying, failedAlike, "waiting", ["time 500"]],
  ["another is", retrying, { kind: "open-failed", offline: refused }, "waiting", ["time 500", "announce"]],
  ["a retry opens", waiting, { kind: "due" }, "opening", ["open"]],
  ["an unplug is told and retried soon", open, lost, "waiting", [`time ${retryMinMs}`, "announce"]],
  ["the same device at the path is well", open, { kind: "watched", device: { ...device } }, "open", []],
  ["no device at the path: deaf", open, noDevice, "closing", ["close", `time ${closeMaxMs}`, "announce"]],
  [
    "another number: deaf",
    open,
    { kind: "watched", device: { rdev: 2n, inode: 7n } },
    "closing",
    ["close", `time ${closeMaxMs}`, "announce"],
  ],
  [
    "the same number, made anew: deaf",
    open,
    { kind: "watched", device: { rdev: 1n, inode: 8n } },
    "closing",
    ["close", `time ${closeMaxMs}`, "announce"],
  ],
  ["a deaf port that closed is retried", closing, { kind: "closed" }, "waiting", [`time ${retryMinMs}`]],
  ["a deaf port that hung up after all is retried", closing, lost, "waiting", [`time ${retryMinMs}`]],
  ["a deaf port that does not close is given up", closing, { kind: "due" }, "waiting", [`time ${retryMinMs}`]],
  ["stopping closes", open, { kind: "stop" }, "stopped", ["close"]],
  ["stopping while opening waits for the port", opening, { kind: "stop" }, "stopped", []],
  ["which is closed then", stopped, opened, "stopped", ["close"]],
  ["stopping while closing closes once", closing, { kind: "stop" }, "stopped", []],
  ["nothing starts a stopped one", stopped, { kind: "start" }, "stopped", []],
  ["nor a timer", stopped, { kind: "due" }, "stopped", []],
  ["starting twice opens once", opening, { kind: "start" }, "opening", []],
  ["a timer that comes late changes nothing", open, { kind: "due" }, "open", []],
  ["a look that comes late changes nothing", waiting, noDevice, "waiting", []],
  ["a close that comes late changes nothing", open, { kind: "closed" }, "open", []],
])("%s", (_name, state, input, kind, actions) => {
  const next = step(state, input);
  expect(next.state.kind).toBe(kind);
  expect(named(next.actions)).toEqual(actions);
});

test("retries slow down to their longest wait and stay there", () => {
  const delays: string[] = [];
  let state: Reconnect = opening;
  for (let attempt = 0; attempt < 30; attempt += 1) {
    const failed = step(state, failedAlike);
    delays.push(...named(failed.actions.filter((action) => action.kind === "time")));
    state = step(failed.state, { kind: "due" }).state;
  }
  expect(delays.slice(0, 6)).toEqual(["time 250", "time 500", "time 1000", "time 2000", "time 4000", "time 5000"]);
  expect(delays.at(-1)).toBe(`time ${retryMaxMs}`);
});

describe("what the daemon is told", () => {
  test.each([
    [idle, "not-found"],
    [opening, "not-found"],
    [retrying, "not-found"],
    [waiting, "not-found"],
    [closing, "deaf"],
    [stopped, "unplugged"],
  ] as const)("%o is offline", (state, reason) => {
    expect(readerState(state, "/dev/badge")).toMatchObject({ kind: "offline", reason });
  });

  test("an open port is online", () => {
    expect(readerState(open, "/dev/badge")).toEqual({ kind: "online", path: "/dev/badge" });
  });
});
