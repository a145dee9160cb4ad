import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { parseUtcText } from "../base/system-time.ts";
import { type MonotonicNs, monotonicNs, type WallMs, wallMs } from "../base/time.ts";
import type { Anchor } from "./anchor.ts";
import type { DisciplineState } from "./discipline.ts";
import type { Stamp } from "./stamp.ts";
import { bracketStamp, breakStamp, hullStamp, liveStamp, retroactiveStamp, type TimeBreak } from "./stamping.ts";
import { nsPerMs, nsPerSecond, type UtcNs, utcNsOfWall } from "./utc.ts";

const rates = { synchronisedPpm: 15, holdoverPpm: 100 };
const bootId = "3a0e6b6e-0d7b-4f39-9df5-2f1f0b1f7a11";
const bootMs = wall("2026-03-14T12:00:00Z");
/** UTC at monotonic zero. */
const bootUtc = utcNsOfWall(bootMs);

function wall(text: string): WallMs {
  return present(parseUtcText(text), text);
}

function seconds(value: number): MonotonicNs {
  return monotonicNs(BigInt(Math.round(value * 1e9)));
}

function anchorAt(atS: number, change: Partial<Anchor> = {}): Anchor {
  return {
    syncId: `${bootId}/${atS}`,
    bootId,
    basis: "quorum",
    atNs: seconds(atS),
    thetaNs: bootUtc,
    boundNs: 5n * nsPerMs,
    oldestSampleNs: seconds(atS),
    leapAnnounced: false,
    ...change,
  };
}

function live(state: DisciplineState, wallNow: WallMs = bootMs): Stamp {
  return liveStamp(
    { bootId, firstByteNs: seconds(100) },
    { monotonicNs: seconds(100.25), wallMs: wallNow },
    state,
    rates,
  );
}

describe("a live stamp", () => {
  test("is of the first byte, and the capture lag is part of its bound", () => {
    expect(live({ kind: "synchronised", anchor: anchorAt(100), missedPolls: 0 })).toEqual({
      bootId,
      monotonicNs: seconds(100),
      captureLagMs: 250,
      how: "live",
      state: "synchronised",
      syncId: `${bootId}/100`,
      utcMs: bootMs + 100_000,
      errorBoundMs: 255,
      earliestMs: bootMs + 100_000 - 255,
      latestMs: bootMs + 100_000 + 255,
    });
  });

  test.each([7_200_000, -7_200_000, -259_200_000])("does not move when the system clock is %i ms off", (offMs) => {
    const state: DisciplineState = { kind: "synchronised", anchor: anchorAt(50), missedPolls: 0 };
    expect(live(state, wallMs(bootMs + offMs))).toEqual(live(state));
  });

  test("in holdover grows by holdover's ρ", () => {
    const stamp = live({ kind: "holdover", anchor: anchorAt(-9900) });
    expect(stamp).toMatchObject({ state: "holdover", errorBoundMs: 5 + 1000 + 250 });
  });

  test.each<DisciplineState>([
    { kind: "unsynchronised" },
    { kind: "untrusted", why: "suspended" },
    { kind: "untrusted", why: "contradicted", anchor: anchorAt(50), rival: anchorAt(60) },
  ])("in $kind ($why) carries wall time and claims no bound", (state) => {
    expect(live(state, wallMs(bootMs + 100_250))).toMatchObject({
      state: state.kind,
      utcMs: bootMs + 100_000,
      errorBoundMs: null,
      earliestMs: null,
      latestMs: null,
      syncId: null,
    });
  });

  test("with a bound above two seconds still carries it, and says so", () => {
    const stamp = live({
      kind: "untrusted",
      why: "bound-too-wide",
      anchor: anchorAt(100, { boundNs: 3n * nsPerSecond }),
    });
    expect(stamp).toMatchObject({ state: "untrusted", errorBoundMs: 3250 });
  });
});

describe("a retroactive stamp", () => {
  const scan = { bootId, monotonicNs: seconds(10), captureLagMs: 0 };

  test("follows from the boot's later synchronisation, with ρ over the gap", () => {
    expect(retroactiveStamp(scan, [anchorAt(1010)], [], rates)).toMatchObject({
      how: "retroactive",
      state: "holdover",
      utcMs: bootMs + 10_000,
      errorBoundMs: 105,
      syncId: `${bootId}/1010`,
    });
  });

  test("takes the anchor that bounds it best", () => {
    const anchors = [anchorAt(5000), anchorAt(200), anchorAt(100, { boundNs: nsPerSecond })];
    expect(retroactiveStamp(scan, anchors, [], rates)?.syncId).toBe(`${bootId}/200`);
  });

  test("over a gap whose bound passes two seconds is untrusted", () => {
    expect(retroactiveStamp(scan, [anchorAt(19_960)], [], rates)).toMatchObject({
      state: "holdover",
      errorBoundMs: 2000,
    });
    expect(retroactiveStamp(scan, [anchorAt(19_961)], [], rates)).toMatchObject({ state: "untrusted" });
  });

  test("is none from another boot, or across a suspend", () => {
    expect(retroactiveStamp(scan, [], [], rates)).toBeNull();
    expect(retroactiveStamp(scan, [anchorAt(100, { bootId: "another" })], [], rates)).toBeNull();
    const suspend = { kind: "suspend", sinceNs: seconds(50), atNs: seconds(51), forMs: 60_000 } as const;
    expect(retroactiveStamp(scan, [anchorAt(100)], [suspend], rates)).toBeNull();
    expect(retroactiveStamp(scan, [anchorAt(40)], [suspend], rates)).not.toBeNull();
  });
});

describe("a bracket", () => {
  const nextBoot = anchorAt(60, { bootId: "next", syncId: "next/60", thetaNs: bootUtc + 7200n * nsPerSecond });
  const lastProof = utcNsOfWall(wall("2026-03-14T11:00:00Z"));

  test("is from the last proof plus the time since its boot to the next boot's start", () => {
    const stamp = bracketStamp({ bootId, monotonicNs: seconds(600), captureLagMs: 0 }, { lastProof, nextBoot });
    expect(stamp).toMatchObject({ how: "bracket", state: "untrusted", syncId: "next/60" });
    expect(stamp?.earliestMs).toBe(wall("2026-03-14T11:09:59Z") + 640);
    // Half-widths are whole milliseconds: an odd width grows by one, into the future.
    const nextStart = wall("2026-03-14T14:00:00Z") + 41;
    expect(stamp?.latestMs).toBe(nextStart + ((nextStart - wall("2026-03-14T11:09:59Z") - 640) % 2));
  });

  test("is none when the next boot began before it could have been made", () => {
    const later = utcNsOfWall(wall("2026-03-14T14:00:01Z"));
    expect(
      bracketStamp({ bootId, monotonicNs: seconds(0), captureLagMs: 0 }, { lastProof: later, nextBoot }),
    ).toBeNull();
  });
});

describe("a scan inside a break", () => {
  const scan = { bootId, monotonicNs: seconds(100), captureLagMs: 0 };
  const sides = {
    before: anchorAt(0),
    proofBeforeBoot: bootUtc,
    after: anchorAt(200, { thetaNs: bootUtc - nsPerSecond }),
  };
  const stretch = { sinceNs: seconds(0), atNs: seconds(150) };
  const over = (kind: "suspend" | "contradiction"): readonly TimeBreak[] =>
    kind === "suspend" ? [{ kind, ...stretch, forMs: 60_000 }] : [{ kind, ...stretch }];

  test("of a contradiction was made after the one proof and before the other, and no more is known", () => {
    expect(breakStamp(scan, sides, over("contradiction"), rates)).toMatchObject({
      how: "bracket",
      earliestMs: bootMs - 5,
      latestMs: expect.closeTo(bootMs + 199_005, -1),
    });
  });

  test("has no interval where the proofs contradict each other, unless one of them is left out", () => {
    expect(breakStamp(scan, sides, over("suspend"), rates)).toBeNull();
    expect(hullStamp(scan, bootUtc, sides.after)).toMatchObject({
      earliestMs: bootMs,
      latestMs: expect.closeTo(bootMs + 199_005, -1),
    });
  });
});

/** A moment of a boot on a crystal wrong by `ppm`, and the UTC at it. */
function onCrystal(trueS: number, ppm: number): { readonly monotonicNs: MonotonicNs; readonly utc: UtcNs } {
  const trueNs = BigInt(Math.round(trueS * 1e9));
  const mono = trueNs + (trueNs * BigInt(ppm)) / 1_000_000n;
  return { monotonicNs: monotonicNs(mono), utc: (bootUtc + trueNs) as UtcNs };
}

test("the truth is inside every stamp, live and retroactive, with a crystal as wrong as ρ allows", () => {
  const momentS = fc.double({ min: 0, max: 20_000, noNaN: true });
  fc.assert(
    fc.property(
      momentS,
      momentS,
      fc.integer({ min: -99, max: 99 }),
      fc.double({ min: -5, max: 5, noNaN: true }),
      (scanS, anchorS, ppm, offMs) => {
        const at = onCrystal(anchorS, ppm);
        const scan = onCrystal(scanS, ppm);
        const thetaNs = at.utc - at.monotonicNs + BigInt(Math.trunc(offMs * 1e6));
        const anchor = anchorAt(0, { atNs: at.monotonicNs, oldestSampleNs: at.monotonicNs, thetaNs });
        const stamps = [
          liveStamp(
            { bootId, firstByteNs: scan.monotonicNs },
            { monotonicNs: scan.monotonicNs, wallMs: wallMs(0) },
            { kind: "holdover", anchor },
            rates,
          ),
          present(retroactiveStamp({ bootId, ...scan, captureLagMs: 0 }, [anchor], [], rates), "the same boot"),
        ];
        for (const stamp of stamps) {
          expect(utcNsOfWall(present(stamp.earliestMs, "bounded"))).toBeLessThanOrEqual(scan.utc);
          expect(utcNsOfWall(present(stamp.latestMs, "bounded"))).toBeGreaterThanOrEqual(scan.utc);
        }
      },
    ),
  );
});

test("the truth is inside every bracket", () => {
  const lengthS = fc.double({ min: 0, max: 100_000, noNaN: true });
  fc.assert(
    fc.property(
      lengthS,
      lengthS,
      lengthS,
      lengthS,
      fc.integer({ min: -99, max: 99 }),
      (offS, scanS, onS, syncS, ppm) => {
        const lastProof = utcNsOfWall(wallMs(bootMs - Math.ceil(offS * 1000)));
        const scan = onCrystal(scanS, ppm);
        const nextStart = bootUtc + BigInt(Math.round((scanS + onS) * 1e9));
        const sync = onCrystal(syncS, ppm);
        const thetaNs = nextStart + (sync.utc - bootUtc) - sync.monotonicNs;
        const nextBoot = anchorAt(0, { atNs: sync.monotonicNs, oldestSampleNs: sync.monotonicNs, thetaNs });
        const stamp = bracketStamp({ bootId, ...scan, captureLagMs: 0 }, { lastProof, nextBoot });
        expect(utcNsOfWall(present(stamp?.earliestMs, "bounded"))).toBeLessThanOrEqual(scan.utc);
        expect(utcNsOfWall(present(stamp?.latestMs, "bounded"))).toBeGreaterThanOrEqual(scan.utc);
      },
    ),
  );
});
