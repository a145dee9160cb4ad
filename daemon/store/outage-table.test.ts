import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { monotonicNs, type WallMs, wallMs } from "../base/time.ts";
import { nothingSeen } from "../outage/layers.ts";
import type { Moment, OutageWindow } from "../outage/windows.ts";
import { openWindow, windowAfter } from "../testing/receipt-windows.ts";
import {
  at,
  claimRequest,
  draftOf,
  minuteMs,
  preparedCore,
  recordId,
  registerDue,
  rosterOf,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import type { StoreCore } from "./store-core.ts";

let directory: TemporaryDirectory;
let core: StoreCore;

beforeEach(() => {
  directory = temporaryDirectory();
  core = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3, 4));
});

afterEach(() => {
  core[Symbol.dispose]();
  directory[Symbol.dispose]();
});

/** Past 2⁵³ ns, as after 104 days. */
const longSinceNs = 2n ** 54n + 1n;

function moment(utcMs: WallMs): Moment {
  return { bootId: "boot", monotonicNs: monotonicNs(longSinceNs), utcMs, errorBoundMs: 5 };
}

function windowFrom(minutes: number, untilMinutes: number | null): OutageWindow {
  const firstBad = moment(at(minutes));
  const finding = { cause: "service", exemption: "presumed", settledBy: ["service-notice"] } as const;
  return {
    key: `boot/${minutes}`,
    lastGood: null,
    firstBad,
    openedAt: firstBad,
    segments: [{ from: firstBad, finding, layers: nothingSeen }],
    flaps: 0,
    gaps: [],
    end: untilMinutes === null ? null : { lastBad: firstBad, firstGood: moment(at(untilMinutes)) },
  };
}

const all = { from: null, to: null, limit: 100 };

test("a window comes back as it was, and is replaced while it lasts", () => {
  const lasting = windowFrom(10, null);
  core.outages.save(lasting);
  expect(core.outages.open()).toEqual(lasting);
  const ended = windowFrom(10, 20);
  core.outages.save(ended);
  expect(core.outages.open()).toBeNull();
  expect(core.outages.list(all)).toEqual([{ windowId: 1, window: ended, otherChannelWorked: false }]);
});

test("a scan that is kept back names the outages since it was made", () => {
  core.outages.save(windowFrom(-20, -10));
  core.outages.save(windowFrom(5, 50));
  core.outages.save(windowFrom(55, null));
  const scanId = recordId(core, draftOf(1, 0));
  const window = { ...openWindow, now: at(60), limitMs: 30 * minuteMs };
  expect(core.claim(claimRequest({ window })).withheld).toBe(1);
  expect(core.show(scanId)?.reason).toContain("are allowed (outage 2, 3); ");
});

test("a period has the windows that touch it, newest first", () => {
  for (const [from, to] of [
    [0, 10],
    [20, 30],
    [40, 50],
  ] as const)
    core.outages.save(windowFrom(from, to));
  const keys = core.outages.list({ ...all, from: at(25), to: at(45) }).map(({ window }) => window.key);
  expect(keys).toEqual(["boot/40", "boot/20"]);
});

test("it knows the scans it delayed and withheld, and the first registration after it", () => {
  recordId(core, draftOf(1, 5));
  registerDue(core, at(6));
  const late = recordId(core, draftOf(2, 12));
  core.claim(claimRequest({ window: windowAfter(at(12)) }));
  expect(core.show(late)?.state).toBe("withheld");
  recordId(core, draftOf(3, 15));
  registerDue(core, at(21));
  recordId(core, draftOf(4, 25));
  registerDue(core, at(26));
  core.outages.save(windowFrom(10, 20));
  expect(core.outages.show(1, at(30))).toMatchObject({ delayed: 1, withheld: 1, firstRegisteredAfter: at(21) });
  expect(core.outages.show(2, at(30))).toBeNull();
  // What may have been erased since is not counted as nothing, nor is a later registration called the first.
  const keptMs = storeSettings("").keepSettledMs;
  const counted = { delayed: null, withheld: 1 };
  expect(core.outages.show(1, wallMs(at(15) + keptMs))).toMatchObject({ ...counted, firstRegisteredAfter: at(21) });
  expect(core.outages.show(1, wallMs(at(22) + keptMs))).toMatchObject({ ...counted, firstRegisteredAfter: null });
});

test("the scan whose call found the outage is one of those that it delayed, and no earlier one", () => {
  recordId(core, draftOf(1, 3));
  registerDue(core, at(4));
  recordId(core, draftOf(2, 9));
  const found = windowFrom(10, 20);
  core.outages.save({ ...found, lastGood: { ...found.firstBad, utcMs: at(8) } });
  registerDue(core, at(21));
  expect(core.outages.show(1, at(30))).toMatchObject({ delayed: 1, withheld: 0 });
  expect(core.windowScans.of(found.key)).toEqual({ delayed: 1, withheld: 0, registered: 1 });
});

test("what people add stays, in order, and is never replaced", () => {
  core.outages.save(windowFrom(10, 20));
  expect(core.outages.add(7, { kind: "note", text: "nothing" }, at(30))).toBe(false);
  expect(core.outages.add(1, { kind: "note", text: "provider called" }, at(30))).toBe(true);
  core.outages.add(1, { kind: "attempt", channel: "online", worked: false }, at(31));
  expect(core.outages.list(all)[0]?.otherChannelWorked).toBe(false);
  core.outages.add(1, { kind: "attempt", channel: "telephone", worked: true }, at(32));
  const kept = present(core.outages.show(1, at(40)), "it is kept");
  expect(kept.entries.map(({ at: when, entry }) => [when, entry.kind])).toEqual([
    [at(30), "note"],
    [at(31), "attempt"],
    [at(32), "attempt"],
  ]);
  expect(kept.otherChannelWorked).toBe(true);
  using db = new Disposables(new Sqlite(join(directory.path, "badged.sqlite")));
  for (const change of ["UPDATE outage_entries SET content = '{}'", "DELETE FROM outage_entries"]) {
    expect(() => db.held.exec(change)).toThrow("never replaced");
  }
  expect(() => db.held.exec("DELETE FROM outage_windows")).toThrow("never deleted");
});

test("the last sign of life is the one that is kept", () => {
  expect(core.outages.lastBeat()).toBeNull();
  core.outages.beat({ at: moment(wallMs(at(1))), ended: false, power: "unknown" });
  core.outages.beat({ at: moment(wallMs(at(2))), ended: true, power: "mains" });
  expect(core.outages.lastBeat()).toEqual({ at: moment(at(2)), ended: true, power: "mains" });
  core.outages.save(windowFrom(10, 20), { at: moment(wallMs(at(3))), ended: false, power: "unknown" });
  expect(core.outages.lastBeat()).toEqual({ at: moment(at(3)), ended: false, power: "unknown" });
});

class Disposables implements Disposable {
  readonly held: Sqlite.Database;

  constructor(held: Sqlite.Database) {
    this.held = held;
  }

  [Symbol.dispose](): void {
    this.held.close();
  }
}
