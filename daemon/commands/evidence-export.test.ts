import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import { composeEvidence } from "../compose/evidence.ts";
import { storeSettings } from "../compose/store-settings.ts";
import { deviceKeyFile, findDeviceKey } from "../evidence/device-key.ts";
import { publicKeyText } from "../evidence/note.ts";
import { nothingSeen } from "../outage/layers.ts";
import type { OutageWindow } from "../outage/windows.ts";
import { Store } from "../store/store.ts";
import { writeSite } from "../testing/campaign/site.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../testing/store-fixture.ts";
import { TrustingClock } from "../testing/trusting-clock.ts";
import { requireConfiguration } from "./configuration.ts";
import { exportEvidence } from "./evidence-export.ts";
import { verifyEvidence } from "./evidence-verify.ts";

let directory: TemporaryDirectory;
let config: string;
let folder: string;
beforeEach(() => {
  directory = temporaryDirectory();
  const site = writeSite(directory.path, 1, "http://127.0.0.1:9/");
  config = site.configuration;
  folder = site.store;
});
afterEach(() => directory[Symbol.dispose]());

/** One run of the log, in which an outage began and ended where there is a key to tell it by. */
async function runWith(key: string | null): Promise<void> {
  const configuration = requireConfiguration(config);
  await using store = await Store.open(storeSettings(configuration, "daemon"), { time: systemTime, log: silentLog });
  const clock = new TrustingClock(systemTime);
  const stamp = () => clock.stamp(systemTime.monotonicNs());
  await using evidence = composeEvidence(configuration, store, stamp, { time: systemTime, log: silentLog });
  await evidence.start();
  if (key === null) return;
  const at = stamp();
  const finding = { cause: "unknown", exemption: "ambiguous", settledBy: [] } as const;
  const window: OutageWindow = {
    key,
    lastGood: at,
    firstBad: at,
    openedAt: at,
    segments: [{ from: at, finding, layers: nothingSeen }],
    flaps: 0,
    gaps: [],
    end: null,
  };
  for (const kind of ["opened", "closed"] as const) {
    const told = kind === "opened" ? window : { ...window, end: { lastBad: at, firstGood: at } };
    await store.outages.saveWindow(told);
    evidence.onChange({ kind, window: told });
  }
}

test("an outage of before the key was lost has a bundle that says what is missing", async () => {
  await runWith("boot/1");
  const logsKey = publicKeyText(findDeviceKey(folder)?.publicKey ?? new Uint8Array());
  rmSync(join(folder, deviceKeyFile));
  await runWith(null);

  const [shown, told]: [string[], string[]] = [[], []];
  const terminal = {
    out: (line: string) => void shown.push(line),
    err: (line: string) => void told.push(line),
    interactive: false,
  };
  const bundle = join(directory.path, "bundle");
  expect(await exportEvidence(config, { window: "1", out: bundle }, terminal)).toBe(0);
  expect(told[0]).toContain("signed by another key");
  expect(existsSync(join(bundle, "SHA256SUMS.sig"))).toBe(false);
  expect(readFileSync(join(bundle, "keys/log.key"), "utf8")).toBe(`${logsKey}\n`);

  shown.splice(0);
  expect(verifyEvidence(bundle, { key: logsKey }, terminal)).toBe(2);
  const said = shown.join("\n");
  expect(said).toMatch(/^INTEGRITY +could not check: SHA256SUMS\.sig is missing/m);
  expect(said).toContain("signed by the given key");
  expect(said).toContain("window boot/1");
});

test("a period in which the log began anew is told from there on, and where the time before is", async () => {
  await runWith("boot/1");
  rmSync(join(folder, deviceKeyFile));
  await runWith("boot/2");
  const windowsOf = (bundle: string): unknown =>
    JSON.parse(readFileSync(join(bundle, "manifest.json"), "utf8")).windows;
  const exported = async (name: string, to: string): Promise<{ windows: unknown; told: string }> => {
    const told: string[] = [];
    const terminal = { out: () => undefined, err: (line: string) => void told.push(line), interactive: false };
    const out = join(directory.path, name);
    expect(await exportEvidence(config, { from: "2026-01-01T00:00:00Z", to, out }, terminal)).toBe(0);
    return { windows: windowsOf(out), told: told.join("\n") };
  };
  const all = await exported("all", "2999-01-01T00:00:00Z");
  expect(all.windows).toEqual(["boot/2"]);
  const [, began = ""] = /began anew at (\S+) \(epoch 2\)/.exec(all.told) ?? [];
  const before = await exported("before", began);
  expect(before.windows).toEqual(["boot/1"]);
  expect(before.told).not.toContain("began anew");
});
