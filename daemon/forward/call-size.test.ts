import { describe, expect, test } from "vitest";
import {
  afterAnswer,
  afterBlindRefusal,
  afterFailure,
  afterRefusedCall,
  afterTooLarge,
  type CallSize,
  callMaxScans,
  ceilingCallsMin,
  fullSize,
  orderOfNextCall,
  probeFailuresMax,
  probesPutOffMax,
  scansApart,
  scansOfNextCall,
  withoutSuspect,
} from "./call-size.ts";

const ids = (count: number, from = 1): readonly number[] => Array.from({ length: count }, (_, index) => from + index);
const failed = (size: CallSize, scanIds: readonly number[], mayBreak = true): CallSize =>
  afterFailure(size, scanIds, mayBreak).size;

describe("an outage", () => {
  test("costs one scan a call until the service answers, then calls are full again", () => {
    let size = failed(fullSize, ids(callMaxScans));
    expect(scansOfNextCall(size)).toBe(1);
    size = failed(size, [1]);
    expect(scansOfNextCall(size)).toBe(1);
    size = afterAnswer(size, [1]);
    expect(scansOfNextCall(size)).toBe(callMaxScans);
  });

  test("draws in a bounded number of scans, however long it lasts", () => {
    let size = failed(fullSize, ids(callMaxScans));
    let next = 1;
    for (let call = 0; call < 1_000; call += 1) {
      const { size: after, putOffs } = afterFailure(size, [next], true);
      size = after;
      if (putOffs > 0) next += 1;
    }
    expect(next - 1).toBe(probesPutOffMax);
  });

  test("that certainly processed nothing puts no scan off", () => {
    let size = fullSize;
    for (let call = 0; call < 50; call += 1) {
      const { size: after, putOffs } = afterFailure(size, [1], false);
      expect(putOffs).toBe(0);
      size = after;
    }
  });
});

test("a scan that fails alone again and again lets others try", () => {
  let size = failed(fullSize, ids(3));
  for (let call = 1; call < probeFailuresMax; call += 1) {
    const { size: after, putOffs } = afterFailure(size, [1], true);
    expect(putOffs).toBe(0);
    size = after;
  }
  expect(afterFailure(size, [1], true).putOffs).toBe(1);
});

test("a service that breaks on full calls only gets smaller ones, and larger ones when those go through", () => {
  let size = failed(fullSize, ids(callMaxScans));
  const sizes: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    size = afterAnswer(size, [1]);
    sizes.push(scansOfNextCall(size));
    size = failed(size, ids(scansOfNextCall(size)));
  }
  expect(sizes).toEqual([200, 100, 50]);
  size = afterAnswer(size, [1]);
  for (const expected of [25, 50, 100, 200, 200]) {
    expect(scansOfNextCall(size)).toBe(expected);
    size = afterAnswer(size, ids(expected));
  }
});

test("a 413 halves the call", () => {
  let size = afterTooLarge(fullSize, callMaxScans);
  expect(scansOfNextCall(size)).toBe(100);
  for (let call = 0; call < 5; call += 1) size = afterAnswer(size, ids(100));
  expect(scansOfNextCall(size)).toBe(100);
  expect(scansOfNextCall(afterTooLarge(size, 1))).toBe(1);
});

test("after many calls as large as a 413 left them a larger one is tried", () => {
  let size = fullSize;
  for (const scans of [200, 100, 50, 25, 12, 6, 3]) size = afterTooLarge(size, scans);
  expect(scansOfNextCall(size)).toBe(1);
  const sizes: number[] = [];
  for (let call = 0; call < 8 * ceilingCallsMin; call += 1) {
    if (call % ceilingCallsMin === 0) sizes.push(scansOfNextCall(size));
    size = afterAnswer(size, ids(scansOfNextCall(size)));
  }
  expect(sizes).toEqual([1, 2, 4, 8, 16, 32, 64, 128]);
  expect(scansOfNextCall(size)).toBe(callMaxScans);
});

test("calls smaller than a 413 left them teach nothing of larger ones", () => {
  let size = afterTooLarge(fullSize, callMaxScans);
  for (let call = 0; call < 2 * ceilingCallsMin; call += 1) size = afterAnswer(size, ids(99));
  expect(scansOfNextCall(size)).toBe(100);
});

describe("a culprit that the service does not name", () => {
  /** Plays a service that refuses any call that carries the culprit, and counts the refusals until it stands alone. */
  function refusalsToFind(culprit: number, scans: number): number {
    let waiting = ids(scans);
    let size = fullSize;
    for (let refusals = 0; refusals < 1_000; ) {
      const call = waiting.slice(0, scansOfNextCall(size));
      if (!call.includes(culprit)) {
        size = afterAnswer(size, call);
        waiting = waiting.filter((id) => !call.includes(id));
        continue;
      }
      refusals += 1;
      if (call.length === 1) return refusals;
      size = afterBlindRefusal(size, call);
    }
    throw new Error("not found");
  }

  test.each([1, 2, 99, 100, 101, 199, 200])("is found among 200 at place %d within nine refused calls", (culprit) => {
    expect(refusalsToFind(culprit, 200)).toBeLessThanOrEqual(9);
  });

  test("once found, calls are full again", () => {
    const size = withoutSuspect(withoutSuspect(afterBlindRefusal(fullSize, [4, 5]), 4), 5);
    expect(scansOfNextCall(size)).toBe(callMaxScans);
  });

  test("is not sought for ever when it has left the queue meanwhile", () => {
    const size = afterAnswer(afterBlindRefusal(fullSize, [4, 5]), [6]);
    expect(scansOfNextCall(size)).toBe(callMaxScans);
  });
});

describe("which scans go first", () => {
  const probing: CallSize = { ...fullSize, mode: "probing" };

  test.each<[string, CallSize, number, ReturnType<typeof orderOfNextCall>]>([
    ["with nothing amiss, the most urgent", fullSize, 1, { kind: "urgent" }],
    ["after a failure, the most urgent", probing, 0, { kind: "urgent" }],
    [
      "while a culprit is sought, its fellows",
      afterBlindRefusal(fullSize, [4, 5]),
      1,
      { kind: "sounding", among: [4, 5], end: "latest" },
    ],
    [
      "after refusals one by one, who was not tried, far from the last",
      probing,
      12,
      { kind: "probing", among: [], place: expect.closeTo(0.416) },
    ],
    [
      "after one failed alone, the same: no other is drawn in",
      failed(probing, [7]),
      0,
      { kind: "sounding", among: [7], end: "latest" },
    ],
    [
      "after one was put off, who was not tried",
      { ...probing, putOff: ids(4), failedAlone: 12 },
      0,
      { kind: "probing", among: [], place: expect.closeTo(0.416) },
    ],
    [
      "after too many were put off, those again in turn",
      failed({ ...probing, putOff: ids(probesPutOffMax), failedAlone: 14 }, [1]),
      0,
      { kind: "probing", among: ids(probesPutOffMax), place: expect.closeTo(0.271) },
    ],
  ])("%s", (_, size, refusedCalls, expected) => {
    expect(orderOfNextCall(size, refusedCalls)).toEqual(expected);
  });

  test("halves come from the other end once a search from this one has let none pass", () => {
    const [first, second] = [ids(200), ids(200, 201)];
    const fruitless = withoutSuspect(afterBlindRefusal(afterBlindRefusal(fullSize, first), [1]), 1);
    expect(afterBlindRefusal(fruitless, second).end).toBe("earliest");
    const answered = afterAnswer(afterBlindRefusal(fullSize, first), ids(100));
    const fruitful = withoutSuspect(afterBlindRefusal(answered, [101]), 101);
    expect(afterBlindRefusal(fruitful, second).end).toBe("latest");
  });
});

test("a scan that failed alone goes in no company once another went through, also where it was held and not put off", () => {
  const { size } = afterFailure(fullSize, [1], true);
  expect(scansApart(afterAnswer(size, [2]), false)).toEqual([1]);
  expect(scansApart(afterAnswer(size, [1]), false)).toEqual([]);
});

test("one that is sought for a refusal, and is put off for failing alone, is sought no more", () => {
  const sought = afterBlindRefusal(fullSize, [1, 2, 3, 4]);
  let { size } = afterRefusedCall(sought, [4]);
  for (let call = 0; call < probeFailuresMax; call += 1) size = failed(size, [3]);
  expect(orderOfNextCall(size, 1)).toMatchObject({ kind: "sounding", among: [1, 2] });
  for (let scanId = 5; scanId < 5 + probesPutOffMax; scanId += 1) {
    for (let call = 0; call < probeFailuresMax; call += 1) size = failed(size, [scanId]);
  }
  expect(orderOfNextCall(size, 1).kind).toBe("probing");
  expect(orderOfNextCall(afterAnswer(size, [1]), 1)).toMatchObject({ kind: "sounding", among: [2] });
});
