import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { present } from "../base/assert.ts";
import { silentLog } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import { monotonicNs, wallMs } from "../base/time.ts";
import { requireConfiguration } from "../commands/configuration.ts";
import { deviceKeyFile } from "../evidence/device-key.ts";
import { findingOf } from "../outage/cause.ts";
import { type Layers, nothingSeen } from "../outage/layers.ts";
import type { OutageWindow } from "../outage/windows.ts";
import { Store } from "../store/store.ts";
import { writeSite } from "../testing/campaign/site.ts";
import { composeEvidence, type Evidence } from "./evidence.ts";
import { storeSettings } from "./store-settings.ts";

test("after the end of the last run was told, an outage that stays as it is is recorded every half a minute", async () => {
  const site = writeSite(mkdtempSync(join(tmpdir(), "zz-")), 1, "http://127.0.0.1:9/");
  const configuration = requireConfiguration(site.configuration);
  const store = await Store.open(storeSettings(configuration, "daemon"), { time: systemTime, log: silentLog });
  const noon = 1_780_000_000_000;
  const at = (s: number) => ({
    bootId: "b",
    monotonicNs: monotonicNs(BigInt(s) * 1_000_000_000n),
    utcMs: wallMs(noon + s * 1000),
    errorBoundMs: 5,
  });
  let now = 0;
  const evidence = composeEvidence(
    configuration,
    store,
    () => ({ ...at(now), state: "synchronised", anchor: null }) as never,
    { time: systemTime, log: silentLog },
  );
  await evidence.start();
  const layers = { ...nothingSeen, link: "up", lan: "ok", dns: "ok", anchors: "all", service: "unreachable" } as const;
  const finding = present(findingOf(layers), "it fails");
  const window = {
    key: "w",
    lastGood: null,
    firstBad: at(5),
    openedAt: at(15),
    segments: [{ from: at(5), finding, layers }] as const,
    flaps: 0,
    gaps: [],
    end: null,
  };
  const run = {
    ...window,
    key: "b/run",
    segments: [
      {
        from: at(1),
        finding: present(findingOf({ ...nothingSeen, box: "rebooted-unclean" }), "a reboot"),
        layers: { ...nothingSeen, box: "rebooted-unclean" },
      },
    ] as const,
    end: { lastBad: at(1), firstGood: at(2) },
  } as const;
  const look = () => {
    now += 5;
    evidence.onSample({ began: at(now), at: at(now), layers, finding, isWhole: true, hasSlept: false });
  };
  look();
  look();
  look();
  evidence.onChange({ kind: "opened", window });
  evidence.onChange({ kind: "closed", window: run });
  const before = evidence.status?.size ?? 0;
  for (let i = 0; i < 720; i += 1) look(); // one hour
  const records = (evidence.status?.size ?? 0) - before;
  await evidence[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
  expect(records).toBeLessThanOrEqual(130);
});

test("a window that the log was not told of is told at the next start, wherever the clock stood when its run began", async () => {
  const site = writeSite(mkdtempSync(join(tmpdir(), "zz-")), 1, "http://127.0.0.1:9/");
  const configuration = requireConfiguration(site.configuration);
  await using store = await Store.open(storeSettings(configuration, "daemon"), { time: systemTime, log: silentLog });
  const boot = "0c6b1f0e-58f3-4a55-9f35-0d3b1a7c2e4d";
  const at = (s: number, aheadMs = 0) => ({
    bootId: boot,
    monotonicNs: monotonicNs(BigInt(s) * 1_000_000_000n),
    utcMs: wallMs(1_780_000_000_000 + aheadMs + s * 1000),
    errorBoundMs: aheadMs === 0 ? 5 : null,
  });
  const run = async (second: number, aheadMs: number): Promise<void> => {
    const stamp = () => ({ ...at(second, aheadMs), state: "unsynchronised", anchor: null }) as never;
    await using evidence = composeEvidence(configuration, store, stamp, { time: systemTime, log: silentLog });
    await evidence.start();
  };
  await run(60, 365 * 24 * 3_600_000);
  const layers = { ...nothingSeen, link: "down" } as const;
  const finding = present(findingOf(layers), "it fails");
  await store.outages.saveWindow({
    key: `${boot}/70`,
    lastGood: at(65),
    firstBad: at(70),
    openedAt: at(80),
    segments: [{ from: at(70), finding, layers }],
    flaps: 0,
    gaps: [],
    end: null,
  });
  await run(100, 0);
  expect(await store.evidence.recordsOfWindow("window", `${boot}/70`)).toHaveLength(1);
});

test("scans of a window that ended before a restart are counted after it", async () => {
  const site = writeSite(mkdtempSync(join(tmpdir(), "zz-")), 1, "http://127.0.0.1:9/");
  const configuration = requireConfiguration(site.configuration);
  await using store = await Store.open(storeSettings(configuration, "daemon"), { time: systemTime, log: silentLog });
  const at = (s: number) => ({
    bootId: "0c6b1f0e-58f3-4a55-9f35-0d3b1a7c2e4d",
    monotonicNs: monotonicNs(BigInt(s) * 1_000_000_000n),
    utcMs: wallMs(1_780_000_000_000 + s * 1000),
    errorBoundMs: 5,
  });
  const run = async (second: number): Promise<Evidence> => {
    const stamp = () => ({ ...at(second), state: "synchronised", anchor: null }) as never;
    const evidence = composeEvidence(configuration, store, stamp, { time: systemTime, log: silentLog });
    await evidence.start();
    return evidence;
  };
  const layers = { ...nothingSeen, link: "down" } as const;
  const finding = present(findingOf(layers), "it fails");
  const window: OutageWindow = {
    key: "w",
    lastGood: at(65),
    firstBad: at(70),
    openedAt: at(80),
    segments: [{ from: at(70), finding, layers }],
    flaps: 0,
    gaps: [],
    end: { lastBad: at(90), firstGood: at(95) },
  };
  const first = await run(96);
  await store.outages.saveWindow(window);
  first.onChange({ kind: "closed", window });
  const counts = vi.spyOn(store.evidence, "windowScans").mockRejectedValue(new Error("the disk does not answer"));
  await first[Symbol.asyncDispose]();
  const counted = async (): Promise<number> => (await store.evidence.recordsOfWindow("scans", "w")).length;
  const before = await counted();
  counts.mockResolvedValue({ delayed: 2, withheld: 0, registered: 2 });
  const second = await run(200);
  await second[Symbol.asyncDispose]();
  expect([before, await counted()]).toEqual([0, 1]);
});

test("a window that lasts is told at the next start, though its box had no clock and newer ones fill the list", async () => {
  const site = writeSite(mkdtempSync(join(tmpdir(), "zz-")), 1, "http://127.0.0.1:9/");
  const configuration = requireConfiguration(site.configuration);
  await using store = await Store.open(storeSettings(configuration, "daemon"), { time: systemTime, log: silentLog });
  const boot = "0c6b1f0e-58f3-4a55-9f35-0d3b1a7c2e4d";
  const at = (s: number, errorBoundMs: number | null) => ({
    bootId: boot,
    monotonicNs: monotonicNs(BigInt(s) * 1_000_000_000n),
    utcMs: wallMs((errorBoundMs === null ? 1_700_000_000_000 : 1_780_000_000_000) + s * 1000),
    errorBoundMs,
  });
  const run = async (second: number): Promise<void> => {
    const stamp = () => ({ ...at(second, null), state: "unsynchronised", anchor: null }) as never;
    await using evidence = composeEvidence(configuration, store, stamp, { time: systemTime, log: silentLog });
    await evidence.start();
  };
  const layers = { ...nothingSeen, link: "down" } as const;
  const finding = present(findingOf(layers), "it fails");
  const save = (from: ReturnType<typeof at>, end: OutageWindow["end"]): Promise<void> =>
    store.outages.saveWindow({
      ...{ key: `${boot}/${from.monotonicNs}`, lastGood: null, firstBad: from, openedAt: from },
      ...{ segments: [{ from, finding, layers }], flaps: 0, gaps: [], end },
    });
  for (let s = 1; s <= 25; s += 1) await save(at(s, 5), { lastBad: at(s, 5), firstGood: at(s, 5) });
  await run(200);
  const lasting = at(210, null);
  await save(lasting, null);
  await run(300);
  expect(await store.evidence.recordsOfWindow("window", `${boot}/${lasting.monotonicNs}`)).toHaveLength(1);
});

test("a look of a boot whose clock was behind is told at the next start beside the window that rests on it", async () => {
  const site = writeSite(mkdtempSync(join(tmpdir(), "zz-")), 1, "http://127.0.0.1:9/");
  const configuration = requireConfiguration(site.configuration);
  await using store = await Store.open(storeSettings(configuration, "daemon"), { time: systemTime, log: silentLog });
  const [first = "", second = "", third = ""] = [1, 2, 3].map((each) => `0c6b1f0e-58f3-4a55-9f35-0d3b1a7c2e0${each}`);
  const at = (bootId: string, s: number, errorBoundMs: number | null = 5) => ({
    bootId,
    monotonicNs: monotonicNs(BigInt(s) * 1_000_000_000n),
    // A box without a clock of its own begins where it was an hour before its power went.
    utcMs: wallMs(1_780_000_000_000 + (errorBoundMs === null ? -3_600_000 : 0) + s * 1000),
    errorBoundMs,
  });
  const failing = (changed: Partial<Layers>) => {
    const layers = { ...nothingSeen, link: "up", lan: "ok", dns: "ok", anchors: "all", ...changed } as const;
    return { layers, finding: present(findingOf(layers), "it fails") };
  };
  const service = { from: at(first, 70), ...failing({ service: "unreachable" }) };
  const own = { from: at(second, 20, null), ...failing({ link: "down" }) };
  const window = {
    ...{ key: `${first}/70`, lastGood: at(first, 65), firstBad: at(first, 70), openedAt: at(first, 80) },
    ...{ segments: [service] as const, flaps: 0, gaps: [], end: null },
  };
  const run = async (bootId: string, during: (told: Evidence) => void = () => {}): Promise<void> => {
    const stamp = () => ({ ...at(bootId, 90), state: "synchronised", anchor: null }) as never;
    await using evidence = composeEvidence(configuration, store, stamp, { time: systemTime, log: silentLog });
    await evidence.start();
    during(evidence);
  };
  await store.outages.saveWindow(window);
  await run(first, ({ onSample, onChange }) => {
    const { from, ...seen } = service;
    onSample({ began: from, at: from, ...seen, isWhole: true, hasSlept: false });
    onChange({ kind: "opened", window });
  });
  await store.outages.saveWindow({ ...window, segments: [service, own] });
  await run(third);
  const records = (await store.evidence.evidenceRecords(1, 0, 100)).map((each) =>
    each.kind === "whole" ? JSON.parse(each.line) : null,
  );
  const told = records.filter(({ kind }) => kind === "sample" || kind === "window");
  expect(told.map(({ kind, boot, data }) => [kind, boot, data.cause])).toEqual([
    ["sample", first, "service"],
    ["window", first, "service"],
    ["sample", second, "own-network"],
    ["window", third, "own-network"],
  ]);
});

test.each([
  ["empty, as a card leaves it that lost its power", ""],
  ["cut off", "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIE"],
])("people register also while the log's key is %s", async (_, content) => {
  const site = writeSite(mkdtempSync(join(tmpdir(), "zz-")), 1, "http://127.0.0.1:9/");
  const configuration = requireConfiguration(site.configuration);
  mkdirSync(configuration.store.directory, { recursive: true, mode: 0o700 });
  writeFileSync(join(configuration.store.directory, deviceKeyFile), content, { mode: 0o600 });
  await using store = await Store.open(storeSettings(configuration, "daemon"), { time: systemTime, log: silentLog });
  const stamp = (): never => {
    throw new Error("nothing is stamped");
  };
  await using evidence = composeEvidence(configuration, store, stamp, { time: systemTime, log: silentLog });
  await evidence.start();
  expect(evidence.status).toBeNull();
});
