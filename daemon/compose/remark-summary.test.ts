import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { languages } from "../base/language.ts";
import { silentLog } from "../base/log.ts";
import { type WallMs, wallMs } from "../base/time.ts";
import type { Remark } from "../forward/queue.ts";
import type { StoreCore } from "../store/store-core.ts";
import { ManualTime } from "../testing/manual-time.ts";
import {
  claimRequest,
  dayMs,
  draftOf,
  entryOf,
  inRule,
  noon,
  preparedCore,
  recordId,
  recordingLog,
  registered,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { summarise } from "./outage-summary.ts";
import { type RemarkSummaryPorts, summariseRemarks } from "./remark-summary.ts";

let directory: TemporaryDirectory;
let core: StoreCore;
const ssins = ["93051822361", "97440936363"];
const now: WallMs = wallMs(noon + 40 * dayMs);
const dayBefore = wallMs(now - dayMs);

beforeEach(() => {
  directory = temporaryDirectory();
  core = preparedCore(
    storeSettings(directory.path),
    ssins.map((ssin, index) => entryOf(index + 1, { ssin })),
  );
});
afterEach(() => {
  core[Symbol.dispose]();
  directory[Symbol.dispose]();
});

function register(worker: number, daysAgo: number, ...remarks: readonly Remark[]): number {
  const scanId = recordId(core, draftOf(worker, (40 - daysAgo) * 24 * 60, { rule: inRule }));
  const endedAt = wallMs(now - daysAgo * dayMs);
  const { claim } = core.claim(claimRequest({ now: endedAt }));
  const report = { outcome: "answered", httpStatus: 200, relatedTraceId: null, detail: "", endedAt } as const;
  const created = { kind: "registered", scanId, registrationId: `r${scanId}`, validity: "pending", remarks } as const;
  core.settle(claim?.attemptId ?? 0, report, [{ ...registered(scanId), ...created }]);
  return scanId;
}

const portsWith = (log = silentLog): RemarkSummaryPorts => ({
  remarks: { listRemarks: async (filter) => core.remarks.list(filter) },
  warnings: { warningsOf: async (ids, timeZone) => core.warnings.of(ids, timeZone) },
  scans: { list: async (filter) => core.list(filter) },
  log,
});
const settings = { timeZone: "Europe/Brussels", language: "en" } as const;

test("it names what is due within a week and what is new, and counts what is foreseen", async () => {
  const log = recordingLog();
  register(1, 26, { code: 1, text: "" });
  register(2, 15, { code: 10, text: "" });
  register(1, 0.5, { code: 21, text: "" });
  const text = await summariseRemarks(settings, portsWith(log), now, dayBefore);
  expect(text?.split("\n")).toEqual([
    "Remarks of the service",
    "1 remark is due within 7 days:",
    expect.stringMatching(/^ {2}– 1: remark 1, scan 1, worker R1: Er bestaat geen relatie .* \(4 days left\)$/),
    "1 new remark:",
    "  – 3: remark 21, scan 3, worker R1: Twee of meer IN's na elkaar",
    "1 scan of the day may still get a remark:",
    "  – 1 × remark 21: the worker's last registration was an IN too",
  ]);
  expect(log.lines).toEqual([
    { message: "remarks since the last summary", fields: { open: 3, dueWithin7Days: 1, fresh: 1, foreseen: 1 } },
  ]);
});

test("a day with nothing to say says nothing", async () => {
  register(2, 15, { code: 10, text: "" });
  expect(await summariseRemarks(settings, portsWith(), now, dayBefore)).toBeNull();
});

test.each(languages)("in %s it stands in the supervisor's file, without a national number", async (language) => {
  register(1, 26, { code: 1, text: "" });
  const summary = {
    ...settings,
    language,
    at: "18:30",
    supplier: null,
    folder: join(directory.path, "summaries"),
  };
  const file = await summarise(summary, {
    archive: {
      listOutages: async (filter) => core.outages.list(filter),
      showOutage: async (windowId, now) => core.outages.show(windowId, now),
      addOutageEntry: async () => false,
    },
    remarks: (at, since) => summariseRemarks({ ...settings, language }, portsWith(), at, since),
    clock: { now: () => null },
    time: new ManualTime(now),
    log: silentLog,
  });
  const text = readFileSync(file ?? "", "utf8");
  expect(text).toContain("Er bestaat geen relatie tussen de werknemer en de onderneming.");
  expect(text).not.toContain("undefined");
  for (const ssin of ssins) expect(text).not.toContain(ssin);
});

test("one that was dealt with and is raised again is new again", async () => {
  const scanId = register(1, 10, { code: 1, text: "" });
  core.remarks.mark(1, { at: wallMs(now - 9 * dayMs), kind: "done", note: "" });
  const look = (daysAgo: number, ...remarks: readonly Remark[]): void => {
    const at = wallMs(now - daysAgo * dayMs);
    const next = { kind: "at", at: wallMs(now + dayMs) } as const;
    core.followUps.keep({
      scanId,
      registrationId: `r${scanId}`,
      at,
      kind: "found",
      validity: "pending",
      remarks,
      settledAt: null,
      next,
    });
  };
  look(5);
  expect(await summariseRemarks(settings, portsWith(), now, dayBefore)).toBeNull();
  look(0.5, { code: 1, text: "" });
  expect(await summariseRemarks(settings, portsWith(), now, dayBefore)).not.toBeNull();
});

test("what is new, and what is due, is told however many older ones nobody has dealt with", async () => {
  register(1, 28, ...Array.from({ length: 10_000 }, (_, code) => ({ code: 1_000 + code, text: "" })));
  register(2, 26, { code: 1, text: "" });
  register(2, 0.5, { code: 1, text: "" });
  const text = await summariseRemarks(settings, portsWith(), now, dayBefore);
  expect(text).toMatch(/1 remark is due within 7 days:\n.*scan 2\b.*\(4 days left\)\n1 new remark:\n.*scan 3\b/);
});
