import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import { requireConfiguration } from "../commands/configuration.ts";
import { exportEvidence } from "../commands/evidence-export.ts";
import { verifyEvidence } from "../commands/evidence-verify.ts";
import { composeEvidence } from "../compose/evidence.ts";
import { storeSettings } from "../compose/store-settings.ts";
import { Store } from "../store/store.ts";
import { writeSite } from "./campaign/site.ts";
import { TrustingClock } from "./trusting-clock.ts";

const program = fileURLToPath(new URL("evidence/killed-watch.ts", import.meta.url));
const looks = ["good", "good", ..."service ".repeat(4).trim().split(" "), "own", "own", "good"];

let folder: string;
let site: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "killed-watch-"));
  site = writeSite(folder, 1, "http://127.0.0.1:9/").configuration;
});
afterEach(() => rmSync(folder, { recursive: true }));

async function watchUntilKilled(deadlyCommit: number, lost: "record" | "look"): Promise<void> {
  const child = fork(program, [site, String(deadlyCommit), lost, ...looks], { stdio: "inherit" });
  const [, signal] = await once(child, "close");
  expect(signal).toBe("SIGKILL");
}

/** Starts the log once more, as a daemon does, and stops it. */
async function startAgain(): Promise<void> {
  const configuration = requireConfiguration(site);
  await using store = await Store.open(storeSettings(configuration, "daemon"), { time: systemTime, log: silentLog });
  const clock = new TrustingClock(systemTime);
  const ports = { time: systemTime, log: silentLog };
  await using evidence = composeEvidence(configuration, store, () => clock.stamp(systemTime.monotonicNs()), ports);
  await evidence.start();
}

async function windowRecords(): Promise<readonly (readonly [string, string])[]> {
  await using store = await Store.open(storeSettings(requireConfiguration(site), "visitor"), {
    time: systemTime,
    log: silentLog,
  });
  return (await store.evidence.evidenceRecords(1, 0, 1000)).flatMap((record) => {
    const line = record.kind === "whole" ? JSON.parse(record.line) : {};
    return line.kind === "window" ? [[line.data.change, line.data.cause] as const] : [];
  });
}

async function exportAndVerify(): Promise<string> {
  const out: string[] = [];
  const terminal = { out: (line: string) => void out.push(line), err: () => {}, interactive: false };
  const bundle = join(folder, "bundle");
  await exportEvidence(site, { window: "1", out: bundle }, terminal);
  verifyEvidence(bundle, {}, terminal);
  return out.join("\n");
}

const opened = ["opened", "service"] as const;
const changed = ["cause-changed", "own-network"] as const;
const closed = ["closed", "own-network"] as const;

test.each([
  ["opened", 1, "record", [opened]],
  ["changed its cause to the site's own", 2, "record", [opened, changed]],
  ["changed its cause to the site's own", 2, "look", [opened, changed]],
  ["closed", 3, "record", [opened, changed, closed]],
] as const)(
  "a power cut between the commit of a window that %s (%i.) and that of its %s loses neither of them",
  async (_, commit, lost, told) => {
    await watchUntilKilled(commit, lost);
    expect(await windowRecords()).toEqual(told.slice(0, -1));
    await startAgain();
    expect(await windowRecords()).toEqual(told);
    await startAgain();
    expect(await windowRecords()).toEqual(told);
    expect(await exportAndVerify()).toMatch(/^CAUSE +verified/m);
  },
);
