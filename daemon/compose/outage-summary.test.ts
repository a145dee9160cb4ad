import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../base/log.ts";
import { monotonicNs, type WallMs, wallMs } from "../base/time.ts";
import { nothingSeen } from "../outage/layers.ts";
import type { OutageArchive } from "../outage/outage-store.ts";
import type { Language } from "../outage/words.ts";
import { languages } from "../outage/words.ts";
import type { StoreCore } from "../store/store-core.ts";
import { ManualTime } from "../testing/manual-time.ts";
import { at, openCore, storeSettings, type TemporaryDirectory, temporaryDirectory } from "../testing/store-fixture.ts";
import { type SummaryPorts, summarise } from "./outage-summary.ts";

let directory: TemporaryDirectory;
let core: StoreCore;
let archive: OutageArchive;

beforeEach(() => {
  directory = temporaryDirectory();
  core = openCore(storeSettings(directory.path));
  archive = {
    listOutages: async (filter) => core.outages.list(filter),
    showOutage: async (windowId, now) => core.outages.show(windowId, now),
    addOutageEntry: async (windowId, entry, now) => core.outages.add(windowId, entry, now),
  };
});
afterEach(() => {
  core[Symbol.dispose]();
  directory[Symbol.dispose]();
});

function save(minutes: number): void {
  const moment = (utcMs: WallMs) => ({ bootId: "b", monotonicNs: monotonicNs(1n), utcMs, errorBoundMs: 5 });
  const finding = { cause: "internet-provider", exemption: "presumed", settledBy: ["provider-ticket"] } as const;
  const firstBad = moment(at(minutes));
  core.outages.save({
    key: `b/${minutes}`,
    lastGood: moment(at(minutes - 1)),
    firstBad,
    openedAt: firstBad,
    segments: [{ from: firstBad, finding, layers: nothingSeen }],
    flaps: 0,
    gaps: [],
    end: { lastBad: moment(at(minutes + 30)), firstGood: moment(at(minutes + 31)) },
  });
}

/** Nothing vouches for the time: the system clock is all there is. */
const unproven = { now: () => null };

const proven = (time: ManualTime): SummaryPorts["clock"] => ({ now: () => ({ utcMs: time.wallMs() }) });

const settingsIn = (language: Language) => ({
  at: "18:30",
  timeZone: "Europe/Brussels",
  language,
  supplier: { name: "Badge Systems", phone: "+32 2 000 00 00" },
  folder: join(directory.path, "summaries"),
});

test.each(languages)("in %s outages that find no place in the file are told of", async (language) => {
  for (let minutes = -24 * 60; minutes < -24 * 60 + 103; minutes += 1) save(minutes);
  const time = new ManualTime(at(0));
  const file = await summarise(settingsIn(language), { archive, clock: unproven, time, log: silentLog });
  const text = readFileSync(file ?? "", "utf8");
  expect(text.match(/badged outages list/g)).toHaveLength(1);
  expect(text).toContain(" 3 ");
});

test.each(languages)(
  "in %s a day's outages are a file with cause, steps and the supplier's number",
  async (language) => {
    save(-30 * 60);
    save(-120);
    save(-60);
    const file = await summarise(settingsIn(language), {
      archive,
      clock: unproven,
      time: new ManualTime(at(0)),
      log: silentLog,
    });
    const text = readFileSync(file ?? "", "utf8");
    expect(text.split("\n\n")).toHaveLength(2);
    expect(text).toContain("+32 2 000 00 00");
    expect(text).toMatch(/^ {2}1\. .*Badge Systems/m);
    expect(text).not.toContain("undefined");
  },
);

test.each([-3, 3])("the clock's own time counts, not that of a system clock %i days off", async (days) => {
  save(-60);
  const clock = { now: () => ({ utcMs: at(0) }) };
  const told: [WallMs, WallMs][] = [];
  const remarks = async (now: WallMs, since: WallMs): Promise<null> => {
    told.push([now, since]);
    return null;
  };
  const time = new ManualTime(at(days * 24 * 60));
  const file = await summarise(settingsIn("en"), { archive, remarks, clock, time, log: silentLog });
  expect(readFileSync(file ?? "", "utf8")).toContain("Outage 1");
  expect(told).toEqual([[at(0), at(-25 * 60)]]);
});

test("a day without an outage leaves no file", async () => {
  save(-30 * 60);
  expect(
    await summarise(settingsIn("nl"), { archive, clock: unproven, time: new ManualTime(at(0)), log: silentLog }),
  ).toBeNull();
});

test("each summary begins where the last one ended: a longer night and a box that was off leave nothing out", async () => {
  const told: [number, number][] = [];
  const remarks = async (now: WallMs, since: WallMs): Promise<null> => {
    told.push([now, since]);
    return null;
  };
  const summed = (now: WallMs): Promise<string | null> =>
    summarise(settingsIn("nl"), { archive, remarks, clock: { now: () => ({ utcMs: now }) }, time, log: silentLog });
  const time = new ManualTime(at(0));
  const hourMs = 3_600_000;
  const first = at(0);
  const longNight = wallMs(first + 25 * hourMs);
  const daysOff = wallMs(longNight + 72 * hourMs);
  const setBack = wallMs(first - hourMs);
  for (const now of [first, longNight, daysOff, setBack]) await summed(now);
  expect(told).toEqual([
    [first, first - 25 * hourMs],
    [longNight, first],
    [daysOff, longNight],
    [setBack, setBack - 25 * hourMs],
  ]);
});

test("an outage that is told once the clock knows the time is in the next summary, though it was over before the last", async () => {
  const time = new ManualTime(at(0));
  const summed = (clock: SummaryPorts["clock"]): Promise<string | null> =>
    summarise(settingsIn("en"), { archive, clock, time, log: silentLog });
  expect(await summed(unproven)).toBeNull();
  // The end of the run before, which the box slept through without its power.
  save(-60);
  await time.advance(24 * 3_600_000);
  expect(readFileSync((await summed(proven(time))) ?? "", "utf8")).toContain("Outage 1");
});

test("while nothing proves the time an outage is told once, and once more when something does", async () => {
  const day = (days: number): ManualTime => new ManualTime(at(days * 24 * 60));
  const summed = (time: ManualTime, clock: SummaryPorts["clock"]): Promise<string | null> =>
    summarise(settingsIn("en"), { archive, clock, time, log: silentLog });
  await summed(day(0), proven(day(0)));
  save(60);
  const told: boolean[] = [];
  for (const days of [1, 2, 3]) told.push((await summed(day(days), unproven)) !== null);
  for (const days of [4, 5]) told.push((await summed(day(days), proven(day(days)))) !== null);
  expect(told).toEqual([true, false, false, true, false]);
});

test("an outage that lasts is told every day", async () => {
  const firstBad = { bootId: "b", monotonicNs: monotonicNs(1n), utcMs: at(0), errorBoundMs: 5 };
  const finding = { cause: "own-network", exemption: "not-exempt", settledBy: [] } as const;
  core.outages.save({
    key: "b/0",
    lastGood: null,
    firstBad,
    openedAt: firstBad,
    segments: [{ from: firstBad, finding, layers: nothingSeen }],
    flaps: 0,
    gaps: [],
    end: null,
  });
  for (const days of [1, 2, 3]) {
    const time = new ManualTime(at(days * 24 * 60));
    expect(await summarise(settingsIn("en"), { archive, clock: proven(time), time, log: silentLog })).not.toBeNull();
  }
});

test("a second summary of one day adds to the first", async () => {
  save(-60);
  const time = new ManualTime(at(0));
  const first = readFileSync(
    (await summarise(settingsIn("en"), { archive, clock: proven(time), time, log: silentLog })) ?? "",
    "utf8",
  );
  await time.advance(90 * 60_000);
  save(60);
  const second = readFileSync(
    (await summarise(settingsIn("en"), { archive, clock: proven(time), time, log: silentLog })) ?? "",
    "utf8",
  );
  expect(second.startsWith(first)).toBe(true);
  expect(second).toContain("Outage 2");
});

test("remarks that could not be read are in the next summary", async () => {
  const asked: WallMs[] = [];
  const remarks = async (_now: WallMs, since: WallMs): Promise<string> => {
    asked.push(since);
    if (asked.length === 2) throw new Error("the store is busy");
    return "two remarks";
  };
  const day = (days: number): WallMs => at(days * 24 * 60);
  for (const days of [0, 1, 2, 3]) {
    const time = new ManualTime(day(days));
    await summarise(settingsIn("nl"), { archive, remarks, clock: proven(time), time, log: silentLog });
  }
  expect(asked.slice(1)).toEqual([day(0), day(0), day(2)]);
});
