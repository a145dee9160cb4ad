import { execFile } from "node:child_process";
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

test("a process ends that started a thread and did not use it", async () => {
  const module = JSON.stringify(new URL("store-thread.ts", import.meta.url).href);
  const program = `const { StoreThread } = await import(${module}); { using _ = new StoreThread(); } console.log("told");`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);
  expect(stdout).toBe("told\n");
});
