import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { systemTime } from "../base/system-time.ts";
import { draftOf, recordingLog, rosterOf, site, storeSettings, temporaryDirectory } from "../testing/store-fixture.ts";
import { Store } from "./store.ts";
import { StoreThread } from "./store-thread.ts";

test("a thread that was started beforehand keeps scans, and is closed with its store", async () => {
  using directory = temporaryDirectory();
  using thread = new StoreThread();
  {
    const ports = { time: systemTime, log: recordingLog(), thread };
    await using store = await Store.open(storeSettings(directory.path), ports);
    await store.internWorkSite(site);
    await store.replaceRoster(rosterOf(1), "fixture");
    expect(await store.record(draftOf(1, 0))).toMatchObject({ kind: "recorded" });
  }
  // Which it would not be were it another that the store uses.
  await thread.ended;
  await using again = await Store.open(storeSettings(directory.path), { time: systemTime, log: recordingLog() });
  expect(await again.record(draftOf(1, 0))).toMatchObject({ kind: "double" });
});

test("a store does not wait for a thread that ended before it was used", async () => {
  using directory = temporaryDirectory();
  const thread = new StoreThread();
  await thread.terminate();
  const opening = Store.open(storeSettings(directory.path), { time: systemTime, log: recordingLog(), thread });
  await expect(opening).rejects.toMatchObject({ code: "closed" });
});

test("a store tells why a thread failed before it was used", async () => {
  using directory = temporaryDirectory();
  const log = recordingLog();
  const thread = new StoreThread(new URL("no-such-file.ts", import.meta.url));
  await thread.ended;
  await expect(Store.open(storeSettings(directory.path), { time: systemTime, log, thread })).rejects.toMatchObject({
    code: "closed",
  });
  expect(log.lines.map(({ message }) => message)).toContain("the store's thread failed");
});

const at = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);

/** What a program prints. From a file: a thread takes over the options of its process, and those of `-e` end it at once. */
async function printed(program: string, options: readonly string[], environment: NodeJS.ProcessEnv): Promise<string> {
  using directory = temporaryDirectory();
  const file = join(directory.path, "program.mjs");
  writeFileSync(file, program);
  const { stdout } = await promisify(execFile)(process.execPath, [...options, file], {
    env: { ...process.env, ...environment },
    timeout: 60_000,
  });
  return stdout;
}

test("a process ends that started a thread and did not use it, and the thread did not fail", async () => {
  const program = `
    const { StoreThread } = await import(${at("store-thread.ts")});
    const thread = new StoreThread();
    { using _ = thread; }
    await thread.ended;
    thread.open({}, { replied() {}, exited() { console.log("ended"); }, failed: console.log });`;
  expect(await printed(program, [], {})).toBe("ended\n");
});

test("a thread that looked at the local time before the site's zone was known has that zone, and asks no formatter", async () => {
  using directory = temporaryDirectory();
  // 10 MB of calendars in every thread that makes one.
  const withoutFormatters = "Intl.DateTimeFormat = class { constructor() { throw Error('asked'); } };";
  const looking = `--import=data:text/javascript,${encodeURIComponent(`${withoutFormatters}
    import { isMainThread } from "node:worker_threads";
    new Date().getHours();
    if (!isMainThread) { const channel = new BroadcastChannel("looked"); channel.postMessage(""); channel.close(); }`)}`;
  const program = `
    const { StoreThread } = await import(${at("store-thread.ts")});
    const looked = new BroadcastChannel("looked");
    const thread = new StoreThread();
    await new Promise((resolve) => { looked.onmessage = resolve; });
    looked.close();
    const { Store } = await import(${at("store.ts")});
    const { systemTime } = await import(${at("../base/system-time.ts")});
    const { adoptZone } = await import(${at("../base/zoned-time.ts")});
    const { draftOf, entryOf, recordingLog, site, storeSettings } = await import(${at("../testing/store-fixture.ts")});
    adoptZone("Europe/Brussels");
    const ports = { time: systemTime, log: recordingLog(), thread };
    await using store = await Store.open(storeSettings(${JSON.stringify(directory.path)}), ports);
    await store.internWorkSite(site);
    await store.record(draftOf(1, 0));
    await store.record(draftOf(2, 0));
    const entries = [entryOf(1, { validFrom: "2026-05-28" }), entryOf(2, { validFrom: "2026-05-29" })];
    await store.replaceRoster(entries, "dated");
    console.log(await store.resolveUnknown(10));`;
  // In Kolkata it is the 29th already.
  expect(await printed(program, [looking], { TZ: "Asia/Kolkata" })).toBe("1\n");
});
