import { expect, test } from "vitest";
import { unreadableMin } from "../../drivers/contract.ts";
import { strangersMin } from "../scan/intake.ts";
import { openCore, storeSettings, temporaryDirectory } from "../testing/store-fixture.ts";
import { intakeLines, readerLines, storeLines, targetLine } from "./status.ts";
import { heldLines } from "./status-held.ts";

const intake = { recorded: 4, doubles: 0, unknownBadges: 0, captureLagMaxMs: 1 };

test("badges that were not recorded are told in capitals, and nothing while there are none", () => {
  expect(intakeLines({ intake: { ...intake, notRecorded: 0 } })).toEqual([]);
  expect(intakeLines({ intake: { ...intake, notRecorded: 3 } })).toEqual([
    "scans     NOT RECORDED: 3 since the start, answered so at the reader; the log says why",
  ]);
});

test("a store at its limit is told in capitals", () => {
  using directory = temporaryDirectory();
  using core = openCore(storeSettings(directory.path));
  const summary = core.summary();
  expect(storeLines(summary).join("\n")).not.toContain("FULL");
  expect(storeLines({ ...summary, rows: summary.maxScans }).join("\n")).toContain("store     FULL: ");
});

test("a disk without room is told in capitals, before the first badge that is not recorded", () => {
  using directory = temporaryDirectory();
  using core = openCore(storeSettings(directory.path));
  const summary = core.summary();
  expect(storeLines({ ...summary, freeBytes: 1_000_000 }).join("\n")).not.toContain("FULL");
  expect(storeLines({ ...summary, freeBytes: 999_999 }).join("\n")).toContain("store     DISK FULL: ");
});

test("a reader that sends no badge any more or shows no light is told in capitals, and noise is not", () => {
  const counters = { reads: 7, repeats: 0, badFrames: 40, opens: 1, feedbackDropped: 0 };
  const reader = { id: "gate", driver: "serial-line", online: true, detail: "/dev/ttyUSB0", ...counters };
  const line = "reader    gate: connected at /dev/ttyUSB0; 7 badges read, 40 bad frames, opened once";
  expect(readerLines(reader)).toEqual([line]);
  expect(readerLines({ ...reader, badSinceBadge: unreadableMin - 1 })).toEqual([line]);
  expect(readerLines({ ...reader, badSinceBadge: 31 })).toEqual([
    line,
    expect.stringMatching(/NOT UNDERSTOOD: 31 frames since the last badge were none.*reader listen \/dev\/ttyUSB0$/),
  ]);
  expect(readerLines({ ...reader, strangersInARow: strangersMin - 1 })).toEqual([line]);
  expect(readerLines({ ...reader, strangersInARow: 4711 })).toEqual([
    line,
    expect.stringMatching(/NOT KNOWN: none of the last 4711 badges is in the roster.*reader listen \/dev\/ttyUSB0$/),
  ]);
  expect(readerLines({ ...reader, feedbackDropped: 2 })).toEqual([
    line,
    expect.stringContaining("NOT SHOWN: 2 lights since the start"),
  ]);
});

test("one of a thing is told as one", () => {
  const counters = { reads: 1, repeats: 0, badFrames: 1, opens: 1, feedbackDropped: 1 };
  const reader = { id: "gate", driver: "serial-line", online: true, detail: "/dev/ttyUSB0", ...counters };
  expect(readerLines(reader)).toEqual([
    "reader    gate: connected at /dev/ttyUSB0; 1 badge read, 1 bad frame, opened once",
    expect.stringContaining("NOT SHOWN: 1 light since the start"),
  ]);
});

test("before the first call has ended it says so, not that nothing was sent, and how the way to the service is tried", () => {
  const target = { name: "services.example", state: "not-tried", lastOutcome: "", retryInMs: null } as const;
  expect(targetLine("service", target)).toBe(
    "service   services.example: no call has ended since the start; badged service check tries the way",
  );
  expect(targetLine("webhook", target)).toBe("webhook   services.example: no call has ended since the start");
});

test("a service that refuses all that it gets is told in capitals, as long as it does", () => {
  const service = { name: "service", state: "reachable", lastOutcome: "call-refused", retryInMs: 60_000 } as const;
  expect(targetLine("service", service)).toContain("reachable, BUT REFUSES WHAT IT GETS: look at site");
  expect(targetLine("service", { ...service, retryInMs: null })).not.toContain("REFUSES");
  expect(targetLine("service", { ...service, lastOutcome: "answered" })).not.toContain("REFUSES");
});

test("a webhook that refuses every delivery is sent to its own settings, not to the network", () => {
  const webhook = { name: "payroll", state: "reachable", lastOutcome: "call-refused", retryInMs: 60_000 } as const;
  expect(targetLine("webhook", webhook)).toContain(
    "payroll: reachable, BUT REFUSES WHAT IT GETS: look at its url and token",
  );
});

test("a store that refuses is no service that is well", () => {
  const service = { name: "service", state: "reachable", lastOutcome: "answered", retryInMs: null } as const;
  expect(targetLine("service", { ...service, storeFails: true })).toContain(
    "reachable, BUT NOTHING IS SENT: the store",
  );
  expect(targetLine("service", service)).not.toContain("SENT");
});

test("scans on which calls fail while others go through are told with those that wait behind them", () => {
  expect(heldLines(null)).toEqual([]);
  expect(heldLines({ failing: 0, behind: 0 })).toEqual([]);
  expect(heldLines({ failing: 1, behind: 0 })).toEqual([
    "scans     1 of those to be sent: calls with one of them fail, others go through; each is tried again by itself, minutes apart (the log says how they fail)",
  ]);
  expect(heldLines({ failing: 2, behind: 1 })).toEqual([
    expect.stringMatching(/^scans {5}2 of .* minutes apart; 1 later scan of the same workers waits behind them \(/),
  ]);
});
