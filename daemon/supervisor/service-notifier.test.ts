import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";
import { type Log, silentLog } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import type { Time } from "../base/time.ts";
import { Store } from "../store/store.ts";
import { plainLaunch } from "../testing/campaign/box.ts";
import { DaemonProcess } from "../testing/campaign/daemon-process.ts";
import { writeSite } from "../testing/campaign/site.ts";
import { ManualTime } from "../testing/manual-time.ts";
import { storeSettings } from "../testing/store-fixture.ts";
import {
  createServiceNotifier,
  type NotifyEnvironment,
  type ServiceNotifierOptions,
  statusCharactersMax,
  watchdogPeriodMs,
} from "./service-notifier.ts";

const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "badged-notifier-"));
  folders.push(folder);
  return folder;
}

/** A time whose periodic timers fire when the test says so. */
function manualTime(): { readonly time: Time; readonly periods: number[]; tick(): void } {
  const running = new Set<() => void>();
  const periods: number[] = [];
  const time: Time = {
    ...systemTime,
    every(periodMs, run) {
      periods.push(periodMs);
      running.add(run);
      return { [Symbol.dispose]: () => running.delete(run) };
    },
  };
  const tick = (): void => {
    for (const run of running) run();
  };
  return { time, periods, tick };
}

function recordingLog(): { readonly log: Log; readonly messages: string[] } {
  const messages: string[] = [];
  const keep = (_: object, message: string): void => {
    messages.push(message);
  };
  return { log: { ...silentLog, warn: keep, error: keep }, messages };
}

/** A `systemd-notify` that writes its arguments and the socket's name to a file, one call a line. */
async function fakeCommand(folder: string, exitCode = 0) {
  const calls = join(folder, "calls");
  const command = join(folder, "systemd-notify");
  await writeFile(
    command,
    `#!/bin/sh\nprintf '%s|' "$NOTIFY_SOCKET" "$@" >> '${calls}'\necho >> '${calls}'\nexit ${exitCode}\n`,
  );
  await chmod(command, 0o755);
  const given = (): readonly string[] => (existsSync(calls) ? readFileSync(calls, "utf8").trimEnd().split("\n") : []);
  return { command, given };
}

/** A notifier with such a command. */
async function notifierWithFake(options: Partial<ServiceNotifierOptions> = {}, exitCode = 0) {
  const { command, given } = await fakeCommand(await temporaryFolder(), exitCode);
  const { time, periods, tick } = manualTime();
  const notifier = createServiceNotifier({
    environment: { NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: "60000000" },
    pid: 42,
    alive: () => Promise.resolve(true),
    command,
    time,
    log: silentLog,
    ...options,
  });
  return { notifier, given, periods, tick };
}

test.each<[string, NotifyEnvironment, number | null]>([
  ["half of what systemd waits", { WATCHDOG_USEC: "60000000" }, 30_000],
  ["its own process named", { WATCHDOG_USEC: "3000000", WATCHDOG_PID: "42" }, 1500],
  ["another process named", { WATCHDOG_USEC: "3000000", WATCHDOG_PID: "43" }, null],
  ["no watchdog", {}, null],
  ["a watchdog of zero", { WATCHDOG_USEC: "0" }, null],
  ["something that is no number", { WATCHDOG_USEC: "soon" }, null],
  ["a watchdog shorter than two milliseconds", { WATCHDOG_USEC: "1000" }, 1],
])("the watchdog's period with %s", (_, environment, periodMs) => {
  expect(watchdogPeriodMs(environment, 42)).toBe(periodMs);
});

test("ready, status and stopping are told in order, to the socket that systemd gave", async () => {
  const { notifier, given, periods } = await notifierWithFake();
  const told = [notifier.ready("two readers online"), notifier.status("3 scans to be sent"), notifier.stopping("bye")];
  await Promise.all(told);
  expect(given()).toEqual([
    "/run/notify|--|READY=1|STATUS=two readers online|",
    "/run/notify|--|STATUS=3 scans to be sent|",
    "/run/notify|--|STOPPING=1|STATUS=bye|",
  ]);
  expect(periods).toEqual([30_000]);
});

test("the watchdog is fed at every tick between ready and stopping, and at no other", async () => {
  const { notifier, given, tick } = await notifierWithFake();
  tick();
  await notifier.ready("up");
  tick();
  await expect.poll(given).toHaveLength(2);
  await notifier.stopping("down");
  tick();
  await notifier[Symbol.asyncDispose]();
  expect(given().map((line) => line.split("|")[2])).toEqual(["READY=1", "WATCHDOG=1", "STOPPING=1"]);
});

test("a daemon that is not healthy, or whose probe fails, does not feed the watchdog and says so", async () => {
  const { log, messages } = recordingLog();
  const answers = [Promise.resolve(false), Promise.reject(new Error("no answer")), Promise.resolve(true)];
  answers[1]?.catch(() => {});
  const { notifier, given, tick } = await notifierWithFake({
    log,
    alive: () => answers.shift() ?? Promise.resolve(true),
  });
  await notifier.ready("up");
  tick();
  await expect.poll(() => messages).toEqual(["watchdog not fed: the daemon is not healthy"]);
  tick();
  await expect.poll(() => messages.at(-1)).toBe("watchdog not fed: the health probe failed");
  expect(given()).toHaveLength(1);
  tick();
  await expect.poll(given).toHaveLength(2);
});

test("a probe that hangs stops the feeding; no second one is started beside it", async () => {
  let probes = 0;
  const { notifier, given, tick } = await notifierWithFake({
    alive: () => {
      probes += 1;
      return new Promise(() => {});
    },
  });
  await notifier.ready("up");
  tick();
  tick();
  await notifier[Symbol.asyncDispose]();
  expect(probes).toBe(1);
  expect(given()).toHaveLength(1);
});

test("a start that says that it goes on is given two minutes more, told at most every ten seconds and no more when ready", async () => {
  const time = new ManualTime();
  const { notifier, given } = await notifierWithFake({ time });
  for (let second = 0; second < 25; second += 1) {
    notifier.progressed();
    await time.advance(1000);
  }
  await notifier.ready("up");
  notifier.progressed();
  await notifier.status("still up");
  const told = given().map((line) => line.split("|")[2]);
  const more = "EXTEND_TIMEOUT_USEC=120000000";
  expect(told).toEqual([more, more, more, "READY=1", "STATUS=still up"]);
});

test.each([
  ["before a probe", 29],
  ["while a probe waits", 31],
])("what goes on from %s on never leaves the watchdog hungry for as long as it waits", async (_, fromSecond) => {
  const time = new ManualTime();
  let isSaving = false;
  const alive = (): Promise<boolean> => (isSaving ? new Promise(() => {}) : Promise.resolve(true));
  const { notifier, given } = await notifierWithFake({ time, alive });
  await notifier.ready("up");
  for (let second = 1; second <= 150; second += 1) {
    isSaving = second >= 29;
    if (second >= fromSecond) notifier.progressed();
    await time.advance(1000);
    await notifier.status(String(second));
  }
  let hungry = 0;
  let longest = 0;
  for (const line of given()) {
    hungry = line.includes("WATCHDOG=1") ? 0 : hungry + 1;
    longest = Math.max(longest, hungry);
  }
  expect(longest).toBeLessThan(50);
});

test("what goes on feeds the watchdog no more once it is over, and a stop that waits for it is given more time", async () => {
  const time = new ManualTime();
  const { notifier, given } = await notifierWithFake({ time, alive: () => new Promise(() => {}) });
  await notifier.ready("up");
  notifier.progressed();
  await time.advance(90_000);
  await notifier.stopping("down");
  notifier.progressed();
  await notifier[Symbol.asyncDispose]();
  const told = given().map((line) => line.split("|")[2]);
  expect(told).toEqual(["READY=1", "WATCHDOG=1", "STOPPING=1", "EXTEND_TIMEOUT_USEC=120000000"]);
});

test("a probe that answers after stopping feeds nothing", async () => {
  const probe = Promise.withResolvers<boolean>();
  const { notifier, given, tick } = await notifierWithFake({ alive: () => probe.promise });
  await notifier.ready("up");
  tick();
  await notifier.stopping("down");
  probe.resolve(true);
  await probe.promise;
  await notifier[Symbol.asyncDispose]();
  expect(given().map((line) => line.split("|")[2])).toEqual(["READY=1", "STOPPING=1"]);
});

test("a status stays one assignment of limited length", async () => {
  const { notifier, given } = await notifierWithFake();
  await notifier.status("all well\nMAINPID=1");
  await notifier.status("x".repeat(statusCharactersMax + 1));
  expect(given()).toEqual([
    "/run/notify|--|STATUS=all well MAINPID=1|",
    `/run/notify|--|STATUS=${"x".repeat(statusCharactersMax)}|`,
  ]);
});

test("without a socket nothing is run and the watchdog is not started", async () => {
  const { notifier, given, periods } = await notifierWithFake({ environment: { WATCHDOG_USEC: "1000000" } });
  await notifier.ready("up");
  await notifier.stopping("down");
  await notifier[Symbol.asyncDispose]();
  expect([given(), periods]).toEqual([[], []]);
});

test.each<[string, Partial<ServiceNotifierOptions>, number]>([
  ["fails", {}, 1],
  ["is not installed", { command: "/nonexistent/systemd-notify" }, 0],
])("a systemd-notify that %s is logged and fails nobody", async (_, options, exitCode) => {
  const { log, messages } = recordingLog();
  const { notifier } = await notifierWithFake({ ...options, log }, exitCode);
  await notifier.ready("up");
  expect(messages).toEqual(["systemd could not be notified"]);
});

test("a daemon that saves a damaged store asks for more time before it is ready", async () => {
  const folder = await temporaryFolder();
  const { given } = await fakeCommand(folder);
  const site = writeSite(join(folder, "site"), 1, "http://127.0.0.1:9");
  await (await Store.open(storeSettings(site.store), { time: systemTime, log: silentLog }))[Symbol.asyncDispose]();
  // Its header says another journal than it has.
  const file = openSync(join(site.store, "badged.sqlite"), "r+");
  writeSync(file, Buffer.of(1), 0, 1, 18);
  closeSync(file);
  const environment = { NOTIFY_SOCKET: "/run/notify", PATH: `${folder}:${process.env["PATH"]}` };
  await using _daemon = new DaemonProcess("daemon/main.ts", site.configuration, { ...plainLaunch, environment });
  const told = (): readonly (string | undefined)[] => given().map((line) => line.split("|")[2]);
  await expect.poll(told, { timeout: 20_000 }).toContain("READY=1");
  expect(told()).toEqual(["EXTEND_TIMEOUT_USEC=120000000", "READY=1"]);
}, 30_000);

/** A datagram socket as systemd's own; prints each notice as one line of JSON. */
const listenerSource = `
import json, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print("listening", flush=True)
while True:
    print(json.dumps(listener.recv(4096).decode()), flush=True)
`;

const hasRealTools = ["systemd-notify", "python3"].every((name) => spawnSync(name, ["--version"]).status === 0);

test.skipIf(!hasRealTools)("the real systemd-notify delivers what systemd reads", async () => {
  const socket = join(await temporaryFolder(), "notify");
  const listener = spawn("python3", ["-c", listenerSource, socket], { stdio: ["ignore", "pipe", "inherit"] });
  const heard: string[] = [];
  createInterface(listener.stdout).on("line", (line) => heard.push(line));
  try {
    await expect.poll(() => heard, { timeout: 10_000 }).toEqual(["listening"]);
    const { notifier } = await notifierWithFake({ environment: { NOTIFY_SOCKET: socket }, command: "systemd-notify" });
    await notifier.ready("two readers online");
    await notifier.stopping("bye");
    const notices = (): readonly unknown[] => heard.slice(1).map((line) => JSON.parse(line));
    await expect
      .poll(() => notices().filter((notice) => notice !== "BARRIER=1"))
      .toEqual(["READY=1\nSTATUS=two readers online", "STOPPING=1\nSTATUS=bye"]);
  } finally {
    listener.kill();
    await once(listener, "exit");
  }
});
