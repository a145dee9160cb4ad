import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { type MonotonicNs, monotonicNs, type WallMs, wallMs } from "../base/time.ts";
import type { DatingRequest } from "../clock/dating.ts";
import type { Synchronisation } from "../clock/synchronisation.ts";
import { nsPerMs, utcNsOfWall } from "../clock/utc.ts";
import { untried } from "../forward/forwarder/unsent.ts";
import { openWindow } from "../testing/receipt-windows.ts";
import {
  at,
  claimRequest,
  claimSome,
  draftOf,
  entryOf,
  minuteMs,
  noon,
  openCore,
  preparedCore,
  recordId,
  rosterOf,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { claimWalkRows } from "./claim-choice.ts";
import { datingSliceRows } from "./dating-table.ts";
import type { StoreCore } from "./store-core.ts";

let directory: TemporaryDirectory;
let core: StoreCore;

beforeEach(() => {
  directory = temporaryDirectory();
  core = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3));
});

afterEach(() => {
  core[Symbol.dispose]();
  directory[Symbol.dispose]();
});

/** Minutes after the boot began. */
const since = (minutes: number): MonotonicNs => monotonicNs(BigInt(minutes * minuteMs) * nsPerMs);

/** A quorum of a boot, ± 5 ms; `bootAt` is when its monotonic time was zero. */
function sync(bootId: string, bootAt: WallMs, minutes: number, trusted = true): void {
  const atNs = since(minutes);
  const row: Synchronisation = {
    syncId: `${bootId}/${minutes}`,
    bootId,
    atNs,
    ppm: 15,
    sources: [],
    result: {
      kind: "quorum",
      thetaNs: utcNsOfWall(bootAt),
      boundNs: 5n * nsPerMs,
      verdicts: new Map(),
      warnings: [],
    },
  };
  core.clock.recordSynchronisation(row, trusted, noon);
}

function begin(bootId: string): void {
  core.clock.seeBoot(bootId, { atNs: since(0), sleptMs: 0 });
}

const request = (presentBootId: string): DatingRequest => ({
  presentBootId,
  rates: { synchronisedPpm: 15, holdoverPpm: 100 },
  builtAt: utcNsOfWall(at(-100_000)),
});

const wrongWall = -20_000;

/** A scan of a boot that does not know the time: its own stamp is days off. */
function undated(worker: number, bootId: string, minutes: number): number {
  return recordId(core, draftOf(worker, wrongWall, { bootId, monotonicNs: since(minutes), undated: true }));
}

function stampOf(scanId: number) {
  return present(core.show(scanId), "it is stored").stamp;
}

describe("a scan that nothing dates", () => {
  test("is on disk, is never sent, and holds up his later ones but nobody else's", () => {
    begin("a");
    const scanId = undated(1, "a", 1);
    recordId(core, draftOf(1, 10, { bootId: "b" }));
    const other = recordId(core, draftOf(2, 11, { bootId: "b" }));
    expect(claimSome(core).scans.map((scan) => scan.scanId)).toEqual([other]);
    expect(core.claim(claimRequest()).claim).toBeNull();
    expect(core.show(scanId)).toMatchObject({ state: "waiting", stamp: { errorBoundMs: null, how: "live" } });
  });

  test("gives a scan of a badge to its holder who has it since a day that its own stamp did not tell", () => {
    begin("a");
    const scanId = undated(7, "a", 1);
    core.replaceRoster([...rosterOf(1, 2, 3), entryOf(7, { validFrom: "2026-05-28" })], "since today", at(2));
    expect(core.resolveUnknown(200)).toEqual({ resolved: 0, anothers: 0, more: false });
    sync("a", noon, 10);
    core.dating.dateSlice(request("a"), 0);
    expect(core.resolveUnknown(200)).toMatchObject({ resolved: 1 });
    expect(core.show(scanId)).toMatchObject({ state: "waiting", workerReference: "R7" });
  });

  test("never gives a scan of a badge to who got it days later, though its own stamp ran ahead as far", () => {
    begin("a");
    const scanId = recordId(core, draftOf(7, 4 * 1440, { bootId: "a", monotonicNs: since(1), undated: true }));
    core.replaceRoster([...rosterOf(1, 2, 3), entryOf(7, { validFrom: "2026-05-31" })], "new holder", at(2));
    expect(core.resolveUnknown(200)).toMatchObject({ resolved: 0 });
    recordId(core, draftOf(7, 4 * 1440 + 10, { bootId: "a", monotonicNs: since(11), undated: true }));
    sync("a", noon, 20);
    core.dating.dateSlice(request("a"), 0);
    expect(core.resolveUnknown(200)).toMatchObject({ resolved: 0 });
    expect(core.show(scanId)).toMatchObject({ state: "unknown-badge", workerReference: null });
  });

  test("nor to who held it before and since, where another may have held it when it was made", () => {
    begin("a");
    const [worker, another] = [entryOf(7), entryOf(7, { ssin: "91000000001", reference: "another" })];
    core.replaceRoster([another], "another", at(-40));
    core.replaceRoster([], "gone", at(-30));
    const scanId = recordId(core, draftOf(7, 4 * 1440, { bootId: "a", monotonicNs: since(1), undated: true }));
    for (const [index, roster] of [[worker], [], [worker]].entries()) {
      core.replaceRoster(roster, `worker ${index}`, at(10 + index));
    }
    expect(core.resolveUnknown(200)).toMatchObject({ resolved: 0 });
    sync("a", noon, 20);
    core.dating.dateSlice(request("a"), 0);
    expect(core.resolveUnknown(200)).toMatchObject({ resolved: 0, anothers: 1 });
    expect(core.show(scanId)).toMatchObject({ state: "unknown-badge", workerReference: null });
  });

  test("is who holds the badge since the night's only where its bound leaves no moment of the day before", () => {
    begin("a");
    // Ten seconds after midnight in Belgium, and a minute and a half after it.
    const ids = [93.5, 94.83].map((minutes) => undated(7, "a", minutes));
    core.replaceRoster([...rosterOf(1, 2, 3), entryOf(7, { validFrom: "2026-05-29" })], "since the night", at(200));
    sync("a", noon, 94 + 7 * 1440);
    core.dating.dateSlice(request("a"), 0);
    expect(stampOf(ids[0] ?? 0).errorBoundMs).toBeGreaterThan(60_000);
    core.resolveUnknown(200);
    expect(ids.map((scanId) => core.show(scanId)?.state)).toEqual(["unknown-badge", "waiting"]);
  });

  test("gets its time from a later synchronisation of its boot, and goes", () => {
    begin("a");
    const scanId = undated(1, "a", 1);
    expect(core.dating.dateSlice(request("a"), 0)).toEqual({ dated: 0, doubles: 0, afterId: null });
    sync("a", at(0), 5);
    expect(core.dating.dateSlice(request("a"), 0)).toEqual({ dated: 1, doubles: 0, afterId: null });
    const { utcMs, errorBoundMs, how, syncId, state } = stampOf(scanId);
    expect({ utcMs, how, syncId, state }).toEqual({
      utcMs: at(1),
      how: "retroactive",
      syncId: "a/5",
      state: "holdover",
    });
    // 5 ms of the quorum, 100 ppm of four minutes, and the lag of a quarter of a millisecond.
    expect(errorBoundMs).toBe(30);
    expect(claimSome(core).scans).toMatchObject([{ scanId, utcMs: at(1) }]);
  });

  test("is dated once: a later synchronisation changes nothing", () => {
    begin("a");
    const scanId = undated(1, "a", 1);
    sync("a", at(0), 5);
    core.dating.dateSlice(request("a"), 0);
    sync("a", at(7), 1);
    expect(core.dating.dateSlice(request("a"), 0).dated).toBe(0);
    expect(stampOf(scanId).utcMs).toBe(at(1));
  });

  test("what breaks the monotonic time of a boot is told of that boot, in the order in which it was recorded", () => {
    const slept = { kind: "suspend", sinceNs: since(7), atNs: since(8), forMs: 250.5 } as const;
    const contradicted = { kind: "contradiction", sinceNs: since(200_000), atNs: since(200_001) } as const;
    core.clock.recordEvent("a", slept, noon);
    core.clock.recordEvent("a", { kind: "step", sinceNs: since(9), atNs: since(10), byMs: 7 }, noon);
    core.clock.recordEvent("b", { ...slept, forMs: 1 }, noon);
    core.clock.recordEvent("a", contradicted, noon);
    expect(core.clock.breaksOf("a")).toEqual([slept, contradicted]);
    expect(core.clock.breaksOf("c")).toEqual([]);
  });

  test("is not dated by a quorum that was not trusted, nor across a break", () => {
    begin("a");
    const scanId = undated(1, "a", 10);
    sync("a", at(0), 12, false);
    core.dating.dateSlice(request("a"), 0);
    expect(stampOf(scanId).errorBoundMs).toBeNull();
    sync("a", at(0), 5);
    core.clock.recordEvent("a", { kind: "suspend", sinceNs: since(7), atNs: since(8), forMs: minuteMs }, noon);
    core.dating.dateSlice(request("a"), 0);
    expect(stampOf(scanId).errorBoundMs).toBeNull();
    sync("a", at(1), 20);
    core.dating.dateSlice(request("a"), 0);
    expect(stampOf(scanId)).toMatchObject({ utcMs: at(11), how: "retroactive" });
  });

  test("where the proofs around it contradict each other gets the widest bracket, and holds up nothing", () => {
    begin("a");
    sync("a", at(0), 5);
    core.clock.recordEvent("a", { kind: "suspend", sinceNs: since(7), atNs: since(9), forMs: 60 * minuteMs }, noon);
    const scanId = undated(1, "a", 8);
    sync("a", at(-60), 10);
    core.dating.dateSlice(request("a"), 0);
    const { how, earliestMs, latestMs } = stampOf(scanId);
    expect({ how, earliestMs }).toEqual({ how: "bracket", earliestMs: at(-100_000) });
    expect(Math.abs((latestMs ?? 0) - at(-50))).toBeLessThan(500);
  });

  test("inside a contradiction was made between both proofs, however monotonic time ran", () => {
    begin("a");
    sync("a", at(0), 5);
    core.clock.recordEvent("a", { kind: "contradiction", sinceNs: since(5), atNs: since(9) }, noon);
    const scanId = undated(1, "a", 8);
    sync("a", at(-2), 10);
    core.dating.dateSlice(request("a"), 0);
    const { how, earliestMs, latestMs } = stampOf(scanId);
    expect(how).toBe("bracket");
    expect(Math.abs((earliestMs ?? 0) - at(5))).toBeLessThan(500);
    expect(Math.abs((latestMs ?? 0) - at(8))).toBeLessThan(500);
  });

  test("inside a break gets the bracket of both sides, and is kept back for a person", () => {
    begin("a");
    sync("a", at(0), 5);
    core.clock.recordEvent("a", { kind: "suspend", sinceNs: since(7), atNs: since(9), forMs: 60 * minuteMs }, noon);
    const scanId = undated(1, "a", 8);
    expect(core.dating.dateSlice(request("a"), 0).dated).toBe(0);
    sync("a", at(60), 10);
    core.dating.dateSlice(request("a"), 0);
    const { how, earliestMs, latestMs } = stampOf(scanId);
    expect(how).toBe("bracket");
    expect(Math.abs((earliestMs ?? 0) - at(8))).toBeLessThan(500);
    expect(Math.abs((latestMs ?? 0) - at(68))).toBeLessThan(500);
    expect(core.claim(claimRequest()).claim).toBeNull();
    expect(core.show(scanId)?.state).toBe("withheld");
  });

  test("in any number holds up nobody but its own workers", () => {
    begin("a");
    for (let minutes = 1; minutes <= claimWalkRows + 10; minutes += 1) undated(1, "a", minutes * 2);
    const other = recordId(core, draftOf(2, 11, { bootId: "b" }));
    expect(claimSome(core).scans.map((scan) => scan.scanId)).toEqual([other]);
    expect(core.backlog().oldestUtcMs).toBeNull();
  });

  test("made after his older ones holds up none of them", () => {
    begin("a");
    const older = recordId(core, draftOf(1, 10, { bootId: "b" }));
    undated(1, "a", 1);
    expect(claimSome(core).scans.map((scan) => scan.scanId)).toEqual([older]);
  });

  test("many are dated slice by slice, and one that cannot be holds up none", () => {
    begin("a");
    begin("b");
    undated(1, "b", 1);
    for (let minutes = 1; minutes <= datingSliceRows; minutes += 1) undated(2, "a", minutes * 2);
    sync("a", at(0), 5);
    const first = core.dating.dateSlice(request("b"), 0);
    expect(first).toEqual({ dated: datingSliceRows - 1, doubles: 0, afterId: datingSliceRows });
    expect(core.dating.dateSlice(request("b"), first.afterId ?? 0)).toEqual({ dated: 1, doubles: 0, afterId: null });
  });
});

describe("who saw no light before the power went, and tries again after the boot", () => {
  /** Half a minute after 12:10, in a boot that began ten seconds before and does not know the time. */
  function triedAgain(): { readonly first: number; readonly again: number } {
    const first = recordId(core, draftOf(1, 10, { bootId: "a" }));
    begin("b");
    return { first, again: undated(1, "b", 1 / 6) };
  }
  const bootB = wallMs(at(10) + 20_000);

  test("is one act once the boot knows the time: it is not sent, and turns no toggle", () => {
    const { first, again } = triedAgain();
    sync("b", bootB, 5);
    expect(core.dating.dateSlice(request("b"), 0)).toEqual({ dated: 1, doubles: 1, afterId: null });
    expect(core.show(again)).toMatchObject({ state: "double", reason: `double of scan ${first}` });
    expect(claimSome(core).scans.map((scan) => scan.scanId)).toEqual([first]);
    const later = recordId(core, draftOf(1, 60, { bootId: "b" }));
    expect(core.show(first)?.direction).toBe("in");
    expect(core.show(later)?.direction).toBe("out");
    expect(core.summary().byState).toMatchObject({ double: 1, waiting: 1, sending: 1 });
  });

  test("is two acts when the boot came a minute later, whatever the box's own clock says", () => {
    const { again } = triedAgain();
    sync("b", wallMs(bootB + minuteMs), 5);
    expect(core.dating.dateSlice(request("b"), 0)).toEqual({ dated: 1, doubles: 0, afterId: null });
    expect(core.show(again)).toMatchObject({ state: "waiting", direction: "out" });
  });

  test("stays as it is once another scan has its direction from it", () => {
    const { again } = triedAgain();
    const later = undated(1, "b", 3);
    sync("b", bootB, 5);
    expect(core.dating.dateSlice(request("b"), 0)).toEqual({ dated: 2, doubles: 0, afterId: null });
    expect([again, later].map((scanId) => core.show(scanId)?.direction)).toEqual(["out", "in"]);
  });

  test("stays when a later badge was stored as a double of it, which would be lost with it", () => {
    const { first, again } = triedAgain();
    // 50 s after the one before, 80 s after the first.
    const later = undated(1, "b", 1);
    sync("b", bootB, 5);
    expect(core.dating.dateSlice(request("b"), 0).doubles).toBe(0);
    expect([first, again, later].map((scanId) => core.show(scanId)?.state)).toEqual(["waiting", "waiting", "double"]);
  });

  test("is one act all the same when a scan of a fixed direction came since", () => {
    const { first, again } = triedAgain();
    const rule = { kind: "fixed", direction: "out" } as const;
    const out = recordId(core, draftOf(1, wrongWall, { bootId: "b", monotonicNs: since(3), undated: true, rule }));
    sync("b", bootB, 5);
    expect(core.dating.dateSlice(request("b"), 0)).toEqual({ dated: 2, doubles: 1, afterId: null });
    expect([first, again, out].map((scanId) => core.show(scanId)?.state)).toEqual(["waiting", "double", "waiting"]);
    const toggled = recordId(core, draftOf(1, 60, { bootId: "b" }));
    expect(core.show(toggled)?.direction).toBe("in");
  });

  test("is no double at a reader for the other direction", () => {
    recordId(core, draftOf(1, 10, { bootId: "a", rule: { kind: "fixed", direction: "in" } }));
    begin("b");
    const rule = { kind: "fixed", direction: "out" } as const;
    const out = recordId(core, draftOf(1, wrongWall, { bootId: "b", monotonicNs: since(1 / 6), undated: true, rule }));
    sync("b", bootB, 5);
    expect(core.dating.dateSlice(request("b"), 0).doubles).toBe(0);
    expect(core.show(out)?.state).toBe("waiting");
  });
});

test("the morning's badge is sent, though the box's clock went on where it had stopped", () => {
  begin("a");
  recordId(core, draftOf(1, 0, { bootId: "a", monotonicNs: since(500), undated: true }));
  begin("b");
  const morning = recordId(core, draftOf(1, 0.5, { bootId: "b", monotonicNs: since(1 / 3), undated: true }));
  sync("b", at(14 * 60), 5);
  core.dating.dateSlice(request("b"), 0);
  expect(claimSome(core).scans.map((scan) => scan.scanId)).toEqual([morning]);
});

test("of a scan that is only known to lie between two moments and an exact one right after it, the exact one is sent", () => {
  begin("z");
  sync("z", at(0), 1);
  begin("a");
  undated(1, "a", 1 / 12);
  begin("b");
  const again = undated(1, "b", 1 / 6);
  sync("b", wallMs(at(1) + 20_000), 5);
  core.dating.dateSlice(request("b"), 0);
  expect(claimSome(core).scans.map((scan) => scan.scanId)).toEqual([again]);
});

test("what was decided within a boot stays, also when the rule has changed since", () => {
  begin("a");
  undated(1, "a", 1);
  const out = undated(1, "a", 4);
  core[Symbol.dispose]();
  core = openCore(storeSettings(directory.path, { doubleScanMs: 5 * minuteMs }));
  sync("a", at(0), 5);
  core.dating.dateSlice(request("a"), 0);
  expect(core.show(out)).toMatchObject({ state: "waiting", direction: "out" });
});

describe("a scan of a boot that never knew the time", () => {
  beforeEach(() => {
    for (const bootId of ["before", "lost", "empty", "after"]) begin(bootId);
    sync("before", at(0), 5);
  });

  test("waits while its boot goes on, and while no later one is synchronised", () => {
    const scanId = undated(1, "lost", 10);
    core.dating.dateSlice(request("lost"), 0);
    core.dating.dateSlice(request("after"), 0);
    expect(stampOf(scanId).errorBoundMs).toBeNull();
  });

  test("gets the bracket between the proofs, is kept back, and only a person lets it go", () => {
    const scanId = undated(1, "lost", 10);
    sync("after", at(60), 1);
    core.dating.dateSlice(request("after"), 0);
    const stamp = stampOf(scanId);
    expect(stamp).toMatchObject({ how: "bracket", state: "untrusted", syncId: "after/1" });
    // Proven to 12:05 before; ten minutes into its boot; before the boot that began at 13:00.
    expect(Math.abs((stamp.earliestMs ?? 0) - at(15))).toBeLessThan(500);
    expect(Math.abs((stamp.latestMs ?? 0) - at(60))).toBeLessThan(500);

    expect(core.claim(claimRequest()).claim).toBeNull();
    const kept = present(core.show(scanId), "it is stored");
    expect(kept.state).toBe("withheld");
    expect(kept.reason).toMatch(/^its time is only known to lie between \S+Z and \S+Z/);

    const bracket = { kind: "bracket", earliestMs: stamp.earliestMs, latestMs: stamp.latestMs };
    expect(core.release(scanId, at(70))).toEqual(bracket);
    expect(core.release(scanId, at(70), { bracket: true })).toEqual({ kind: "released" });
    expect(claimSome(core).scans).toMatchObject([{ scanId, utcMs: stamp.utcMs }]);
  });

  test("of which no list of boots is left gets what the present boot allows", () => {
    const scanId = undated(1, "forgotten", 10);
    sync("after", at(60), 1);
    core.dating.dateSlice(request("after"), 0);
    expect(stampOf(scanId)).toMatchObject({ how: "bracket", syncId: "after/1" });
    expect(Math.abs((stampOf(scanId).earliestMs ?? 0) - at(-100_000 + 10))).toBeLessThan(500);
  });
});

test("a scan past the limit is withheld with the calls that held it up", () => {
  const scanId = recordId(core, draftOf(1, 0));
  for (const minute of [1, 2]) {
    const { attemptId } = claimSome(core, { now: at(minute) });
    core.settle(
      attemptId,
      {
        outcome: "not-connected",
        httpStatus: null,
        relatedTraceId: null,
        detail: "",
        endedAt: wallMs(at(minute) + 500),
      },
      [{ kind: "again", scanId, notBefore: null }],
    );
  }
  // Given back for one scan to go first, which is no failure.
  const { attemptId } = claimSome(core, { now: at(3) });
  core.settle(attemptId, { ...untried, endedAt: at(3) }, [{ kind: "again", scanId, notBefore: null }]);
  const window = { ...openWindow, now: at(60), limitMs: 30 * minuteMs };
  expect(core.claim(claimRequest({ window })).withheld).toBe(1);
  expect(core.show(scanId)?.reason).toMatch(
    /^receipt would be 3600 s after the badge, 1620 s are allowed; held up by 2 failed calls from \S+Z to \S+Z, the last: not-connected$/,
  );
});

test("a scan that is in the service's future is not claimed yet, and nothing is said of it", () => {
  const scanId = recordId(core, draftOf(1, 0));
  const window = { ...openWindow, now: wallMs(at(0) + 400), phi: { loMs: -500, hiMs: 500 } };
  expect(core.claim(claimRequest({ window }))).toEqual({ claim: null, withheld: 0, again: false });
  const later = { ...window, now: wallMs(at(0) + 500) };
  expect(claimSome(core, { window: later }).scans).toMatchObject([{ scanId }]);
});
