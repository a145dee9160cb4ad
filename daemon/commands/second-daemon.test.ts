import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { assert } from "../base/assert.ts";
import { exitCode } from "../base/errors.ts";
import { lockFolder } from "../supervisor/folder-lock.ts";
import { readStatus, statusSocketPath } from "../supervisor/status-socket.ts";
import { DaemonProcess } from "../testing/campaign/daemon-process.ts";
import { type CampaignSite, writeSite } from "../testing/campaign/site.ts";
import { eventually } from "../testing/eventually.ts";
import { badged } from "../testing/run-badged.ts";

let directory: string;
let site: CampaignSite;
let socket: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "badged-second-"));
  site = writeSite(directory, 1, "http://127.0.0.1:9");
  socket = statusSocketPath(site.store);
});
afterEach(() => rmSync(directory, { recursive: true }));

const run = (): DaemonProcess => new DaemonProcess("daemon/main.ts", site.configuration);

/** Once it says that it is this process. */
async function answers({ pid }: DaemonProcess): Promise<void> {
  await eventually(
    () => readStatus(socket),
    (status) => (status as { pid?: number } | null)?.pid === pid,
  );
}

test("a daemon whose socket was deleted keeps a second one out, and a killed one keeps nobody out", {
  timeout: 90_000,
}, async () => {
  await using first = run();
  await answers(first);
  rmSync(socket);

  await using second = run();
  const turnedAway = await Promise.race([second.ended, answers(second)]);
  expect(turnedAway, "a second daemon runs on the store of the first").toMatchObject({ code: exitCode.unavailable });
  expect(second.output).toMatch(/^badged: a badged has .*store.*badged\.sock.*\n {2}stop it first/);
  expect(existsSync(socket), "the one that was turned away leaves no socket behind").toBe(false);

  // What only looks is not kept out, and does not say that no badges are read.
  const [status, list] = await Promise.all([
    badged("status", "--config", site.configuration),
    badged("scans", "list", "--config", site.configuration),
  ]);
  expect(status.code).toBe(exitCode.unavailable);
  expect(status.out).toMatch(/^daemon {4}NO ANSWER: a badged has .*; what is on disk follows\n.*database/s);
  expect(list).toMatchObject({ code: exitCode.ok, err: "" });

  await first.kill("SIGKILL");
  await using third = run();
  await answers(third);
  expect(await third.kill("SIGTERM")).toEqual({ code: exitCode.ok });
});

test("one that is turned away leaves the socket of the first alone, which may only just have made it", async () => {
  mkdirSync(site.store);
  const first = await lockFolder(site.store);
  assert(first.kind === "held", "this file system knows locks");
  using _held = first.lock;
  writeFileSync(socket, "");
  const turnedAway = await badged("run", site.configuration);
  expect(turnedAway).toMatchObject({ code: exitCode.unavailable, out: "" });
  expect(turnedAway.err).toMatch(/^badged: a badged has the store in .* open, and nobody answers on .*badged\.sock\n/);
  expect(readdirSync(site.store)).toEqual(["badged.sock"]);
});

test("a daemon whose folder was moved away keeps a second one out of the one that it makes anew", {
  timeout: 90_000,
}, async () => {
  await using first = run();
  await answers(first);
  renameSync(site.store, join(directory, "moved"));
  await eventually(
    () => Promise.resolve(existsSync(join(site.store, "badged.sqlite"))),
    (isThere) => isThere,
  );
  await using second = run();
  expect(await Promise.race([second.ended, answers(second)])).toMatchObject({ code: exitCode.unavailable });
  expect(await first.kill("SIGTERM")).toEqual({ code: exitCode.ok });
});
