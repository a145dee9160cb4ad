import { describe, expect, test } from "vitest";
import { monotonicNs } from "../base/time.ts";
import type { Sample } from "./ntp-exchange.ts";
import { bestAnswer, type SourceAnswer } from "./source-poll.ts";
import { anchorFrom, type SourceReport, synchronise } from "./synchronisation.ts";
import { nsPerMs, nsPerSecond, utcNs } from "./utc.ts";

const epoch = 1_773_489_600n * nsPerSecond;
const atNs = monotonicNs(100n * nsPerSecond);

function sampleOf(offMs: number, change: Partial<Sample> = {}, delayMs = 20): Sample {
  const t4Ns = monotonicNs(99n * nsPerSecond);
  const t1Ns = monotonicNs(t4Ns - BigInt(delayMs) * nsPerMs);
  const served = utcNs(epoch + (t1Ns + t4Ns) / 2n + BigInt(offMs) * nsPerMs);
  return {
    t1Ns,
    t2Ns: served,
    t3Ns: served,
    t4Ns,
    rootDelayNs: 0n,
    rootDispersionNs: 0n,
    precisionNs: 0n,
    stratum: 1,
    leap: 0,
    referenceId: 0,
    ...change,
  };
}

function report(id: string, answer: SourceAnswer, votes = true): SourceReport {
  return { source: { id, host: id, port: 123, operator: id, votes }, answer };
}

const answers = (offMs: number, change: Partial<Sample> = {}): SourceAnswer => ({
  kind: "sample",
  sample: sampleOf(offMs, change),
  address: null,
});
const kiss: SourceAnswer = { kind: "unusable", why: { kind: "kiss-of-death", code: "RATE" } };
const three = ["a", "b", "c"].map((id) => report(id, answers(0)));

test("a source that does not vote is judged by nobody and moves nothing", () => {
  const row = synchronise([...three, report("local", answers(3), false)], "boot", atNs, 15);
  expect(row.sources.at(-1)).toMatchObject({ sourceId: "local", votes: false, verdict: { kind: "undecided" } });
  expect(anchorFrom(row)).toEqual(anchorFrom(synchronise(three, "boot", atNs, 15)));
});

describe("two names of one address", () => {
  const at = (address: string, offMs = 0): SourceAnswer => ({ kind: "sample", sample: sampleOf(offMs), address });

  test("are one vote, of the one that is named first, and the other is told whose it is", () => {
    const reports = [report("a", at("192.0.2.1")), report("b", at("192.0.2.1")), report("c", at("192.0.2.2"))];
    const row = synchronise(reports, "boot", atNs, 15);
    expect(row.result).toEqual({ kind: "no-quorum", why: "too-few-sources", usable: 2 });
    expect(row.sources[1]).toMatchObject({
      verdict: { kind: "unusable", why: { kind: "same-server", as: "a" } },
      address: "192.0.2.1",
    });
    expect(anchorFrom(row)).toBeNull();
  });

  test("do not outvote the others", () => {
    const liar = (id: string): SourceReport => report(id, at("192.0.2.9", 60_000));
    const honest = ["1", "2", "3"].map((id) => report(id, at(`192.0.2.${id}`)));
    const row = synchronise([liar("x"), liar("y"), liar("z"), ...honest], "boot", atNs, 15);
    expect(row.sources.map(({ verdict }) => verdict.kind)).toEqual([
      "false-ticker",
      "unusable",
      "unusable",
      "true-chimer",
      "true-chimer",
      "true-chimer",
    ]);
  });

  test("count apart where nobody tells their addresses, and beside one that has no vote", () => {
    expect(synchronise(three, "boot", atNs, 15).result.kind).toBe("quorum");
    const local = report("this box", at("192.0.2.1"), false);
    const voters = ["1", "2", "3"].map((id) => report(id, at(`192.0.2.${id}`)));
    expect(synchronise([local, ...voters], "boot", atNs, 15).result.kind).toBe("quorum");
  });
});

test("two that vote and two that do not are no quorum", () => {
  const row = synchronise(
    [...three.slice(1), report("x", answers(0), false), report("y", answers(0), false)],
    "boot",
    atNs,
    15,
  );
  expect(row.result).toEqual({ kind: "no-quorum", why: "too-few-sources", usable: 2 });
  expect(anchorFrom(row)).toBeNull();
});

test("a leap second counts when a true chimer announces it, not when a false ticker does", () => {
  const announced = (offMs: number): boolean | undefined =>
    anchorFrom(synchronise([...three, report("d", answers(offMs, { leap: 1 }))], "boot", atNs, 15))?.leapAnnounced;
  expect(announced(0)).toBe(true);
  expect(announced(9000)).toBe(false);
});

test("the anchor knows its oldest sample and is named after its boot and moment", () => {
  expect(anchorFrom(synchronise(three, "boot", atNs, 15))).toMatchObject({
    syncId: `boot/${atNs}`,
    thetaNs: epoch,
    oldestSampleNs: sampleOf(0).t1Ns,
    basis: "quorum",
  });
});

test("of a burst the least delay is used, unless there was a kiss-o'-death", () => {
  const slow: SourceAnswer = { kind: "sample", sample: sampleOf(0, {}, 40), address: null };
  const late: SourceAnswer = { kind: "unusable", why: { kind: "silent", waitedMs: 2000 } };
  expect(bestAnswer([slow, answers(0), late, slow])).toEqual(answers(0));
  expect(bestAnswer([answers(0), kiss])).toEqual(kiss);
  expect(bestAnswer([late])).toEqual(late);
});
