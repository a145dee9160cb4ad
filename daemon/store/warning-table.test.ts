import { afterEach, beforeEach, expect, test } from "vitest";
import { WarningWatch, warningEvents } from "../forward/warning-watch.ts";
import type { RosterEntry } from "../scan/roster.ts";
import { settled } from "../testing/manual-time.ts";
import {
  at,
  claimSome,
  draftOf,
  entryOf,
  inRule,
  noon,
  outRule,
  preparedCore,
  recordId,
  recordingLog,
  site,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import type { StoreCore } from "./store-core.ts";
import { warnSliceRows } from "./warning-table.ts";

let directory: TemporaryDirectory;
let core: StoreCore;

const ssins = ["93051822361", "97440936363", "85011512355"];
const roster: readonly RosterEntry[] = ssins.map((ssin, index) => entryOf(index + 1, { ssin }));

beforeEach(() => {
  directory = temporaryDirectory();
  core = preparedCore(storeSettings(directory.path), roster);
});
afterEach(() => {
  core[Symbol.dispose]();
  directory[Symbol.dispose]();
});

const brussels = "Europe/Brussels";
const scan = (worker: number, minutes: number, rule = inRule): number =>
  recordId(core, draftOf(worker, minutes, { rule }));
const warnings = (scanId: number): readonly string[] => core.warnings.of([scanId], brussels)[0]?.warnings ?? [];

test("two INs in a row, an OUT without an IN, and a day in order", () => {
  expect([scan(1, 0), scan(1, 240, outRule), scan(1, 300), scan(1, 480, outRule)].map(warnings)).toEqual([
    [],
    [],
    [],
    [],
  ]);
  expect(warnings(scan(1, 600, outRule))).toEqual(["two-outs"]);
  expect([scan(2, 0), scan(2, 10)].map(warnings)).toEqual([[], ["two-ins"]]);
  expect(warnings(scan(3, 0, outRule))).toEqual(["out-without-in"]);
});

test("what the service refused is no registration, and is not counted", () => {
  const refused = scan(1, 0);
  const { attemptId } = claimSome(core, { now: at(1) });
  const report = { outcome: "answered", httpStatus: 200, relatedTraceId: null, detail: "", endedAt: at(1) } as const;
  core.settle(attemptId, report, [{ kind: "refused", scanId: refused, reason: "no" }]);
  expect(warnings(scan(1, 10))).toEqual([]);
});

test("a place in the sea, a roster that ended, and a wrong number, each by its own name", () => {
  core.internWorkSite({ ...site, place: { kind: "coordinates", latitude: 0, longitude: 0 } });
  core.replaceRoster([entryOf(1, { ssin: "85011508100", validUntil: "2026-01-01" })], "other", noon);
  const scanId = recordId(core, draftOf(1, 0, { rule: inRule, workSiteId: 2 }));
  expect(warnings(scanId)).toEqual(["ssin-invalid", "outside-roster-dates", "outside-belgium"]);
});

test("an unknown badge, a double and a scan that does not exist have none", () => {
  scan(1, 0);
  for (const scanId of [recordId(core, draftOf(9, 1)), scan(1, 0.5), 99]) expect(warnings(scanId)).toEqual([]);
});

test("no answer holds a national number", () => {
  scan(1, 0);
  scan(1, 10);
  const told = JSON.stringify([core.warnings.of([1, 2], brussels), core.warnings.after(0, brussels)]);
  for (const ssin of ssins) expect(told).not.toContain(ssin);
});

test("scans are looked at in slices, in their order", () => {
  for (let minutes = 0; minutes <= warnSliceRows; minutes += 1) scan(1, minutes * 2);
  const first = core.warnings.after(0, brussels);
  expect(first).toMatchObject({ lastId: warnSliceRows, more: true });
  expect(first.warned).toHaveLength(warnSliceRows - 1);
  expect(core.warnings.after(first.lastId, brussels)).toMatchObject({ lastId: warnSliceRows + 1, more: false });
});

test("the watch tells each scan once, those of this run only, and goes on after a failure", async () => {
  scan(1, 0);
  scan(1, 10);
  const log = recordingLog();
  let failures = 0;
  const watch = new WarningWatch(
    {
      store: {
        newestScan: async () => core.warnings.newestScan(),
        warningsAfter: async (scanId, timeZone) => {
          if (failures > 0) {
            failures -= 1;
            throw new Error("disk full");
          }
          return core.warnings.after(scanId, timeZone);
        },
        warningsOf: async (scanIds, timeZone) => core.warnings.of(scanIds, timeZone),
      },
      log,
    },
    brussels,
  );
  watch.recorded(2);
  await watch.start();
  failures = 1;
  scan(1, 20);
  watch.recorded(3);
  await settled();
  scan(2, 20, outRule);
  watch.recorded(4);
  watch.recorded(4);
  await settled();
  expect(log.lines).toEqual([
    { message: warningEvents.failed, fields: { error: "disk full" } },
    { message: warningEvents.foreseen, fields: { scanId: 3, warnings: ["two-ins"], remarks: [21] } },
    { message: warningEvents.foreseen, fields: { scanId: 4, warnings: ["out-without-in"], remarks: [24] } },
  ]);
});

test("the watch goes on where ids begin anew with another database", async () => {
  const log = recordingLog();
  let newest = 700;
  let waiting = Promise.withResolvers<void>();
  const watch = new WarningWatch(
    {
      store: {
        newestScan: async () => newest,
        warningsAfter: async (scanId) => {
          await waiting.promise;
          const ids = Array.from({ length: Math.max(0, newest - scanId) }, (_, index) => scanId + 1 + index);
          return {
            warned: ids.map((id) => ({ scanId: id, warnings: ["two-ins"] })),
            lastId: Math.max(newest, scanId),
            more: false,
          };
        },
        warningsOf: async () => [],
      },
      log,
    },
    brussels,
  );
  await watch.start();
  newest = 701;
  watch.recorded(701);
  // Replaced while the watch looks.
  newest = 1;
  watch.recorded(1);
  waiting.resolve();
  await settled();
  newest = 2;
  waiting = Promise.withResolvers();
  waiting.resolve();
  watch.recorded(2);
  await settled();
  expect(log.lines).toMatchObject([{ fields: { scanId: 1 } }, { fields: { scanId: 2 } }]);
});
