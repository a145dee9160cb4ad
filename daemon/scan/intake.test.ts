import { expect, test } from "vitest";
import type { Feedback } from "../../drivers/contract.ts";
import { type Log, silentLog } from "../base/log.ts";
import { monotonicNs, wallMs } from "../base/time.ts";
import type { Clock } from "../clock/stamp.ts";
import { recordingLog } from "../testing/store-fixture.ts";
import { Intake, lightMaxMs, pendingMax, strangersMin } from "./intake.ts";
import type { RecordOutcome, ScanDraft, ScanLedger } from "./scan.ts";

const clock: Clock = {
  stamp: (firstByteNs) => ({
    bootId: "boot",
    monotonicNs: firstByteNs,
    utcMs: wallMs(1_780_000_000_000),
    how: "live",
    errorBoundMs: null,
    earliestMs: null,
    latestMs: null,
    syncId: null,
    state: "unsynchronised",
    captureLagMs: 3,
  }),
};

function harness(
  record: (draft: ScanDraft) => Promise<RecordOutcome>,
  nowMs: () => number = () => 0,
  log: Log = silentLog,
): {
  readonly intake: Intake;
  readonly shown: Feedback[];
  readonly drafts: ScanDraft[];
  readonly woken: () => number;
} {
  const shown: Feedback[] = [];
  const drafts: ScanDraft[] = [];
  let woken = 0;
  const ledger: ScanLedger = {
    record: (draft) => {
      drafts.push(draft);
      return record(draft);
    },
  };
  const intake = new Intake(
    {
      clock,
      time: { monotonicNs: () => monotonicNs(BigInt(nowMs()) * 1_000_000n) },
      ledger,
      log,
      feedback: (_reader, feedback) => shown.push(feedback),
      onRecorded: () => {
        woken += 1;
      },
    },
    [
      {
        id: "gate",
        encoding: "hex",
        byteOrder: "msb",
        keys: new Map(),
        otherwise: { kind: "toggle" },
        workSiteId: 4,
      },
    ],
    "hex",
  );
  return { intake, shown, drafts, woken: () => woken };
}

const read = { readerId: "gate", text: "010063E9AE", firstByteNs: monotonicNs(5n), opening: 1 };

test("nothing is shown to the worker before the commit", async () => {
  const commit = Promise.withResolvers<RecordOutcome>();
  const { intake, shown, woken } = harness(() => commit.promise);
  intake.badgeRead(read);
  await Promise.resolve();
  expect(shown).toEqual([]);
  commit.resolve({ kind: "recorded", scanId: 1, direction: "in" });
  await intake.settled();
  expect(shown).toEqual(["accepted"]);
  expect(woken()).toBe(1);
});

test.each([
  [{ kind: "double", scanId: 2, ofScanId: 1 }, "already-recorded"],
  [{ kind: "unknown-badge", scanId: 2 }, "unknown-badge"],
  [{ kind: "not-recorded", reason: "disk-full", detail: "" }, "not-recorded"],
] as const)("%j is told as %s and wakes nobody", async (outcome, feedback) => {
  const { intake, shown, woken } = harness(() => Promise.resolve(outcome));
  intake.badgeRead(read);
  await intake.settled();
  expect(shown).toEqual([feedback]);
  expect(woken()).toBe(0);
});

test("a store that fails is told as not recorded, and the next scan is tried again", async () => {
  let failures = 1;
  const { intake, shown } = harness(() =>
    failures-- > 0
      ? Promise.reject(new Error("worker died"))
      : Promise.resolve({ kind: "recorded", scanId: 1, direction: "in" }),
  );
  intake.badgeRead(read);
  await intake.settled();
  intake.badgeRead(read);
  await intake.settled();
  expect(shown).toEqual(["not-recorded", "accepted"]);
});

test("reads past the pending limit are refused at once, the ones before it are kept", async () => {
  const commit = Promise.withResolvers<RecordOutcome>();
  const { intake, shown, drafts } = harness(() => commit.promise);
  for (let index = 0; index <= pendingMax; index += 1) intake.badgeRead(read);
  expect(shown).toEqual(["not-recorded"]);
  expect(drafts).toHaveLength(pendingMax);
  commit.resolve({ kind: "recorded", scanId: 1, direction: "in" });
  await intake.settled();
  expect(intake.counters).toMatchObject({ recorded: pendingMax, notRecorded: 1, captureLagMaxMs: 3 });
});

test("a light that comes late is not shown to the next worker, and shown while nobody came since", async () => {
  const commits: PromiseWithResolvers<RecordOutcome>[] = [];
  let nowMs = 0;
  const { intake, shown } = harness(
    () => {
      const commit = Promise.withResolvers<RecordOutcome>();
      commits.push(commit);
      return commit.promise;
    },
    () => nowMs,
  );
  const badge = (atMs: number): void => {
    nowMs = atMs;
    intake.badgeRead({ ...read, firstByteNs: monotonicNs(BigInt(atMs) * 1_000_000n) });
  };
  const accepted = { kind: "recorded", scanId: 1, direction: "in" } as const;
  badge(0);
  badge(9_000);
  commits[0]?.resolve(accepted);
  commits[1]?.resolve({ kind: "not-recorded", reason: "disk-full", detail: "" });
  await intake.settled();
  badge(20_000);
  nowMs = 29_000;
  commits[2]?.resolve(accepted);
  await intake.settled();
  expect(shown).toEqual(["not-recorded", "accepted"]);
  // Whoever's badge the reader garbled has no scan, and must not take the light of the one before for his own.
  for (const lateMs of [lightMaxMs, lightMaxMs + 1]) {
    badge(40_000);
    intake.badFrame("gate");
    nowMs = 40_000 + lateMs;
    commits.at(-1)?.resolve(accepted);
    await intake.settled();
  }
  expect(shown).toEqual(["not-recorded", "accepted", "accepted"]);
  expect(intake.counters).toMatchObject({ recorded: 4, notRecorded: 1 });
});

test("a reader of which no badge is known is told once, until it gives one that is", async () => {
  const known = { kind: "recorded", scanId: 1, direction: "in" } as const;
  let outcome: RecordOutcome = known;
  const log = recordingLog();
  const { intake } = harness(() => Promise.resolve(outcome), undefined, log);
  const badge = async (next: RecordOutcome, times: number = 1): Promise<void> => {
    outcome = next;
    for (let each = 0; each < times; each += 1) intake.badgeRead(read);
    await intake.settled();
  };
  const told = (): number => log.lines.filter(({ message }) => message.includes("is in the roster")).length;
  const stranger = { kind: "unknown-badge", scanId: 2 } as const;
  await badge(stranger, strangersMin - 1);
  expect([intake.strangersInARow("gate"), told()]).toEqual([strangersMin - 1, 0]);
  await badge(stranger, 3);
  expect([intake.strangersInARow("gate"), told()]).toEqual([strangersMin + 2, 1]);
  await badge(known);
  expect([intake.strangersInARow("gate"), told()]).toEqual([0, 1]);
  await badge(stranger);
  await badge({ kind: "double", scanId: 3, ofScanId: 1 });
  expect(intake.strangersInARow("gate")).toBe(0);
  await badge(stranger, strangersMin);
  expect([intake.strangersInARow("gate"), told()]).toEqual([strangersMin, 2]);
});

test("the draft carries the moment of the first byte and the reader's place of work", async () => {
  const { intake, drafts } = harness(() => Promise.resolve({ kind: "unknown-badge", scanId: 1 }));
  intake.badgeRead(read);
  await intake.settled();
  expect(drafts[0]).toMatchObject({ readerId: "gate", workSiteId: 4, stamp: { monotonicNs: 5n } });
});
