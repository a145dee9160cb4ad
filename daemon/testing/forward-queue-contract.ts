import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type WallMs, wallMs } from "../base/time.ts";
import type { AttemptReport, Claim, ClaimOrder, ClaimRequest, ForwardQueue, Settlement } from "../forward/queue.ts";
import type { ScanState } from "../scan/scan.ts";
import { openWindow, windowAfter } from "./receipt-windows.ts";

/** A queue, with what its tests need to put scans in and to look at them. Workers are indices of made-up ones. */
export interface QueueUnderTest extends AsyncDisposable {
  readonly queue: ForwardQueue;
  /** Stores an IN of a worker whom the roster knows, stamped at `utcMs`, no double. Returns its id. */
  record(worker: number, utcMs: WallMs): Promise<number>;
  /** The same, of a worker whom the roster does not know. */
  recordUnknown(worker: number, utcMs: WallMs): Promise<number>;
  /** The roster learns the badges of these workers; it goes on knowing those of `record`. */
  learn(workers: readonly number[]): Promise<void>;
  release(scanId: number, now: WallMs): Promise<void>;
  look(scanId: number): Promise<{
    readonly state: ScanState;
    readonly reason: string | null;
    readonly registrationId: string | null;
    readonly doubtAttemptId: number | null;
  }>;
}

const noon = 1_780_000_000_000;
/** Scans are far enough apart to be no doubles. */
const minute = 60_000;
const at = (minutes: number): WallMs => wallMs(noon + minutes * minute);

const report: AttemptReport = {
  outcome: "answered",
  httpStatus: 200,
  relatedTraceId: "5f9b2a40-1c7e-4c0b-9d58-0a3c9f6f2a11",
  detail: "",
  endedAt: at(60),
};

const request = (change: Partial<ClaimRequest> = {}): ClaimRequest => ({
  limit: 200,
  now: at(60),
  window: openWindow,
  traceId: "0b0f5f0e-6f0b-4c55-8a25-2b5f3f9f8a10",
  ...change,
});

const idsOf = (claim: Claim | null): readonly number[] => claim?.scans.map((scan) => scan.scanId) ?? [];

function registered(scanId: number): Settlement {
  return { kind: "registered", scanId, registrationId: `r${scanId}`, validity: "pending", remarks: [] };
}

function again(scanId: number, notBefore: WallMs | null = null): Settlement {
  return { kind: "again", scanId, notBefore };
}

/** What every `ForwardQueue` promises, the fake and the real one alike. */
export function forwardQueueContract(name: string, make: () => Promise<QueueUnderTest>): void {
  describe(`queue of ${name}`, () => {
    let under: QueueUnderTest;
    beforeEach(async () => {
      under = await make();
    });
    afterEach(async () => under[Symbol.asyncDispose]());
    describeClaim(() => under);
    describeOrder(() => under);
    describeApart(() => under);
    describeSettlement(() => under);
    describeBoth(() => under);
    describeDoubts(() => under);
    describeLimit(() => under);
    describeStandstill(() => under);
  });
}

function describeClaim(subject: () => QueueUnderTest): void {
  test("nothing is due in an empty queue", async () => {
    const { queue } = subject();
    expect(await queue.claim(request())).toBeNull();
    expect(await queue.backlog()).toEqual({ waiting: 0, oldestUtcMs: null, oldestDoubt: null });
  });

  test("a claim hands out scans oldest first, whole, at most as many as asked, and marks them sending", async () => {
    const under = subject();
    const { queue } = under;
    const first = await under.record(1, at(0));
    const second = await under.record(2, at(1));
    const third = await under.record(3, at(2));
    const claim = await claimed(queue, { limit: 2 });
    expect(idsOf(claim)).toEqual([first, second]);
    expect(claim.scans[0]).toMatchObject({ utcMs: at(0), direction: "in", scanId: first });
    expect(claim.scans[0]?.ssin).toMatch(/^\d{11}$/);
    expect(claim.scans[0]?.errorBoundMs).toBeGreaterThanOrEqual(0);
    expect((await under.look(first)).state).toBe("sending");
    expect((await under.look(third)).state).toBe("waiting");
    expect(await queue.backlog()).toEqual({ waiting: 3, oldestUtcMs: expect.any(Number), oldestDoubt: null });
  });

  test("a scan that is on its way is not handed out again", async () => {
    const under = subject();
    const { queue } = under;
    await under.record(1, at(0));
    await claimed(queue);
    expect(await queue.claim(request())).toBeNull();
  });

  test("a claim of less than one or more than 200 scans is a defect", async () => {
    const { queue } = subject();
    await expect(queue.claim(request({ limit: 0 }))).rejects.toThrow();
    await expect(queue.claim(request({ limit: 201 }))).rejects.toThrow();
  });

  test("a worker has one scan in a claim, and none while an older one is on its way", async () => {
    const under = subject();
    const { queue } = under;
    const first = await under.record(1, at(0));
    const second = await under.record(1, at(10));
    const other = await under.record(2, at(11));
    const claim = await claimed(queue, { limit: 1 });
    expect(idsOf(claim)).toEqual([first]);
    const beside = await claimed(queue);
    expect(idsOf(beside)).toEqual([other]);
    await queue.settle(claim.attemptId, report, [registered(first)]);
    expect(idsOf(await claimed(queue))).toEqual([second]);
  });
}

function describeOrder(subject: () => QueueUnderTest): void {
  test("the earliest deadline goes first, whatever the order in which scans were stored", async () => {
    const under = subject();
    const { queue } = under;
    const later = await under.record(1, at(30));
    const earlier = await under.record(2, at(10));
    expect(idsOf(await claimed(queue, { limit: 1 }))).toEqual([earlier]);
    expect(idsOf(await claimed(queue, { limit: 1 }))).toEqual([later]);
  });

  test("while a culprit is sought the suspects go first, then who was never put off, from the end that is asked for", async () => {
    const under = subject();
    const { queue } = under;
    const ids: number[] = [];
    for (let worker = 1; worker <= 5; worker += 1) ids.push(await under.record(worker, at(worker)));
    const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0] = ids;
    const claim = await claimed(queue, { limit: 1 });
    await queue.settle(claim.attemptId, report, [again(first, at(62))]);
    const order = { kind: "sounding", among: [second, third] } as const;
    const after = at(65);
    const fromLatest = await claimed(queue, { now: after, order: { ...order, end: "latest" } });
    expect(idsOf(fromLatest)).toEqual([third, second, fifth, fourth, first]);
    await queue.settle(fromLatest.attemptId, report, [...ids.slice(1).map((id) => again(id)), again(first, at(62))]);
    const fromEarliest = await claimed(queue, { now: after, limit: 4, order: { ...order, end: "earliest" } });
    expect(idsOf(fromEarliest)).toEqual([second, third, fourth, fifth]);
  });

  test("one is tried from anywhere in the queue, of those that were never put off", async () => {
    const under = subject();
    const { queue } = under;
    const ids: number[] = [];
    for (let worker = 1; worker <= 5; worker += 1) ids.push(await under.record(worker, at(worker)));
    const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0] = ids;
    const after = at(65);
    const tried = async (place: number, among: readonly number[] = []): Promise<readonly number[]> => {
      const claim = await claimed(queue, { now: after, limit: 1, order: { kind: "probing", among, place } });
      const [id = 0] = idsOf(claim);
      await queue.settle(claim.attemptId, report, [again(id, at(62))]);
      return idsOf(claim);
    };
    expect(await tried(0.5)).toEqual([third]);
    expect(await tried(0)).toEqual([first]);
    expect(await tried(0.999)).toEqual([fifth]);
    expect(await tried(0.5)).toEqual([fourth]);
    expect(await tried(0.9)).toEqual([second]);
    expect(await tried(0.9)).toEqual([fifth]);
    expect(await tried(0.9, [first, third])).toEqual([third]);
    expect(await tried(0.4, [first, third])).toEqual([first]);
  });

  test("of several in doubt the one goes first whose doubt is the oldest, however urgent another is", async () => {
    const under = subject();
    const { queue } = under;
    const ids: number[] = [];
    for (let worker = 1; worker <= 5; worker += 1) ids.push(await under.record(worker, at(worker)));
    const minutes = [59, 58, 57, 56, 55];
    for (const [index, scanId] of ids.entries()) {
      const { attemptId } = await claimed(queue, { limit: 1, doubts: { kind: "hold" } });
      const endedAt = at(minutes[index] ?? 0);
      await queue.settle(attemptId, { ...report, endedAt }, [{ kind: "doubtful", scanId }]);
    }
    expect(idsOf(await claimed(queue, { limit: 1, doubts: { kind: "seek", endedBefore: at(60) } }))).toEqual(
      ids.slice(-1),
    );
  });
}

function describeApart(subject: () => QueueUnderTest): void {
  test("a scan that goes in no company goes alone when it is the most urgent, and else not at all", async () => {
    const under = subject();
    const { queue } = under;
    const [first, second, third] = [
      await under.record(1, at(1)),
      await under.record(2, at(2)),
      await under.record(3, at(3)),
    ];
    const apart = [first, third];
    expect(idsOf(await claimed(queue, { apart }))).toEqual([first]);
    expect(idsOf(await claimed(queue, { apart }))).toEqual([second]);
    expect(await queue.claim(request({ apart, isApartResting: true }))).toBeNull();
    expect(idsOf(await claimed(queue, { apart }))).toEqual([third]);
  });

  test("it comes after all others where one is sought that goes through, unless it is asked for", async () => {
    const under = subject();
    const { queue } = under;
    const [first, second, third] = [
      await under.record(1, at(1)),
      await under.record(2, at(2)),
      await under.record(3, at(3)),
    ];
    const apart = [first, second];
    const probing = { kind: "probing", among: [], place: 0 } as const;
    const sought = async (order: ClaimOrder): Promise<readonly number[]> => {
      const claim = await claimed(queue, { order, apart });
      await queue.settle(
        claim.attemptId,
        report,
        idsOf(claim).map((id) => again(id)),
      );
      return idsOf(claim);
    };
    expect(await sought(probing)).toEqual([third]);
    expect(await sought({ ...probing, among: [second] })).toEqual([second]);
    expect(await sought({ kind: "sounding", among: [], end: "earliest" })).toEqual([third]);
    expect(idsOf(await claimed(queue, { order: probing, apart }))).toEqual([third]);
    expect(idsOf(await claimed(queue, { order: probing, apart }))).toEqual([first]);
  });

  test("of several of them it is the turn of the first in the list, however urgent the others are", async () => {
    const under = subject();
    const { queue } = under;
    const ids: number[] = [];
    for (let worker = 1; worker <= 4; worker += 1) ids.push(await under.record(worker, at(worker)));
    const [first = 0, second = 0, third = 0, fourth = 0] = ids;
    const apart = [third, second, first];
    const among = { kind: "sounding", among: [second], end: "earliest" } as const;
    expect(idsOf(await claimed(queue, { apart, order: among, limit: 1 }))).toEqual([second]);
    expect(idsOf(await claimed(queue, { apart, limit: 1 }))).toEqual([third]);
    expect(idsOf(await claimed(queue, { apart, limit: 1 }))).toEqual([first]);
    expect(idsOf(await claimed(queue, { apart, limit: 1 }))).toEqual([fourth]);
  });

  test("another one than those that failed is of those that no call left in doubt, as long as there are any", async () => {
    const under = subject();
    const { queue } = under;
    const ids: number[] = [];
    for (let worker = 1; worker <= 4; worker += 1) ids.push(await under.record(worker, at(worker)));
    const [first = 0, second = 0, third = 0, fourth = 0] = ids;
    const { attemptId } = await claimed(queue, { limit: 3 });
    await queue.settle(
      attemptId,
      report,
      [first, second, third].map((scanId) => ({ kind: "doubtful", scanId })),
    );
    const untried = { limit: 1, order: { kind: "untried", place: 0.5 }, apart: [first] } as const;
    expect(idsOf(await claimed(queue, untried))).toEqual([fourth]);
    expect(idsOf(await claimed(queue, untried))).toEqual([third]);
    expect(idsOf(await claimed(queue, untried))).toEqual([second]);
    expect(idsOf(await claimed(queue, untried))).toEqual([first]);
  });
}

function describeSettlement(subject: () => QueueUnderTest): void {
  test("outcomes are kept for each scan", async () => {
    const under = subject();
    const { queue } = under;
    const ids = [await under.record(1, at(0)), await under.record(2, at(1)), await under.record(3, at(2))] as const;
    const { attemptId } = await claimed(queue);
    await queue.settle(attemptId, report, [
      registered(ids[0]),
      { kind: "refused", scanId: ids[1], reason: "placeOfWork: unknown" },
      { kind: "doubtful", scanId: ids[2] },
    ]);
    expect(await under.look(ids[0])).toMatchObject({ state: "registered", registrationId: `r${ids[0]}` });
    expect(await under.look(ids[1])).toMatchObject({ state: "refused", reason: "placeOfWork: unknown" });
    expect(await under.look(ids[2])).toMatchObject({ state: "waiting", doubtAttemptId: attemptId });
    expect((await queue.backlog()).waiting).toBe(1);
  });

  test("a settlement that leaves a scan out, names one twice or a foreign one is refused whole", async () => {
    const under = subject();
    const { queue } = under;
    const first = await under.record(1, at(0));
    const second = await under.record(2, at(1));
    const foreign = await under.record(3, at(2));
    const { attemptId } = await claimed(queue, { limit: 2 });
    for (const wrong of [
      [registered(first)],
      [registered(first), registered(first), registered(second)],
      [registered(first), registered(second), registered(foreign)],
    ]) {
      await expect(queue.settle(attemptId, report, wrong)).rejects.toThrow();
      expect((await under.look(first)).state).toBe("sending");
    }
    await queue.settle(attemptId, report, [registered(first), registered(second)]);
    expect((await under.look(second)).state).toBe("registered");
  });

  test("a call is settled once: a second time, for the answer may have been lost, changes nothing", async () => {
    const under = subject();
    const { queue } = under;
    const [first, second] = [await under.record(1, at(0)), await under.record(2, at(1))];
    const { attemptId } = await claimed(queue, { limit: 1 });
    await queue.settle(attemptId, report, [registered(first)]);
    await queue.settle(attemptId, report, [again(first)]);
    expect((await under.look(first)).state).toBe("registered");
    const next = await queue.settleAndClaim({ attemptId, report, settlements: [registered(first)] }, request());
    expect(idsOf(next)).toEqual([second]);
  });

  test("what was certainly not processed waits again, without doubt, in its old place", async () => {
    const under = subject();
    const { queue } = under;
    const first = await under.record(1, at(0));
    await under.record(2, at(1));
    const { attemptId } = await claimed(queue, { limit: 1 });
    await queue.settle(attemptId, report, [again(first)]);
    expect(await under.look(first)).toMatchObject({ state: "waiting", doubtAttemptId: null });
    expect(idsOf(await claimed(queue, { limit: 1 }))).toEqual([first]);
  });

  test("a scan put off lets others pass, but none of the same worker", async () => {
    const under = subject();
    const { queue } = under;
    const first = await under.record(1, at(0));
    await under.record(1, at(10));
    const other = await under.record(2, at(11));
    const { attemptId } = await claimed(queue, { limit: 1 });
    await queue.settle(attemptId, report, [again(first, at(70))]);
    const beside = await claimed(queue, { now: at(69) });
    expect(idsOf(beside)).toEqual([other]);
    expect(idsOf(await claimed(queue, { now: at(70) }))).toEqual([first]);
  });

  test("a doubtful scan can be put off as well, and its first doubt stays", async () => {
    const under = subject();
    const { queue } = under;
    const first = await under.record(1, at(0));
    const other = await under.record(2, at(1));
    const call = await claimed(queue, { limit: 1 });
    await queue.settle(call.attemptId, report, [{ kind: "doubtful", scanId: first, notBefore: at(70) }]);
    expect(idsOf(await claimed(queue, { now: at(69) }))).toEqual([other]);
    const second = await claimed(queue, { now: at(70) });
    expect(idsOf(second)).toEqual([first]);
    await queue.settle(second.attemptId, report, [{ kind: "doubtful", scanId: first }]);
    const third = await claimed(queue, { now: at(71) });
    await queue.settle(third.attemptId, report, [registered(first)]);
    expect(await under.look(first)).toMatchObject({ state: "registered", doubtAttemptId: call.attemptId });
  });
}

function describeBoth(subject: () => QueueUnderTest): void {
  test("with the outcomes of a call the next one is claimed: what they let go, nothing that is on its way", async () => {
    const under = subject();
    const { queue } = under;
    const first = await under.record(1, at(0));
    const onItsWay = await under.record(2, at(1));
    const next = await under.record(1, at(10));
    await under.record(2, at(11));
    const call = await claimed(queue, { limit: 1 });
    await claimed(queue, { limit: 1 });
    const written = { attemptId: call.attemptId, report, settlements: [registered(first)] };
    expect(idsOf(await queue.settleAndClaim(written, request()))).toEqual([next]);
    expect((await under.look(first)).state).toBe("registered");
    expect((await under.look(onItsWay)).state).toBe("sending");
  });

  test("of outcomes that are refused, or with a claim that is, neither is done", async () => {
    const under = subject();
    const { queue } = under;
    const [first, second] = [await under.record(1, at(0)), await under.record(2, at(1))];
    const { attemptId } = await claimed(queue, { limit: 1 });
    const none = { attemptId, report, settlements: [] };
    await expect(queue.settleAndClaim(none, request())).rejects.toThrow();
    const written = { attemptId, report, settlements: [registered(first)] };
    await expect(queue.settleAndClaim(written, request({ limit: 201 }))).rejects.toThrow();
    expect((await under.look(first)).state).toBe("sending");
    expect((await under.look(second)).state).toBe("waiting");
    expect(idsOf(await queue.settleAndClaim(written, request()))).toEqual([second]);
  });
}

function describeDoubts(subject: () => QueueUnderTest): void {
  /** One call for the first scan of worker 1 ended in doubt at minute 60; a later one of his and one of worker 2 wait. */
  async function oneInDoubt(): Promise<{ doubted: number; later: number; other: number; attemptId: number }> {
    const under = subject();
    const doubted = await under.record(1, at(0));
    const later = await under.record(1, at(10));
    const other = await under.record(2, at(11));
    const { attemptId } = await claimed(under.queue, { limit: 1 });
    await under.queue.settle(attemptId, report, [{ kind: "doubtful", scanId: doubted }]);
    return { doubted, later, other, attemptId };
  }
  const seek = (endedBefore: WallMs) => ({ doubts: { kind: "seek", endedBefore } }) as const;
  const hold = { doubts: { kind: "hold" } } as const;

  test("a scan in doubt that is held lets others pass, but none of the same worker", async () => {
    const { queue } = subject();
    const { other } = await oneInDoubt();
    expect(idsOf(await claimed(queue, hold))).toEqual([other]);
    expect((await queue.backlog()).oldestDoubt).toBe(at(60));
  });

  test("it is handed out for a search once its call ended long enough ago, and nothing else is", async () => {
    const { queue } = subject();
    const { doubted } = await oneInDoubt();
    expect(await queue.claim(request(seek(wallMs(at(60) - 1))))).toBeNull();
    expect(idsOf(await claimed(queue, seek(at(60))))).toEqual([doubted]);
    expect((await queue.backlog()).oldestDoubt).toBeNull();
  });

  test("found, it is registered, keeps its mark, and lets the worker's next go", async () => {
    const under = subject();
    const { queue } = under;
    const { doubted, later, attemptId } = await oneInDoubt();
    const search = await claimed(queue, seek(at(60)));
    await queue.settle(search.attemptId, report, [
      { ...registered(doubted), registrationId: "77", foundBySearch: true } as Settlement,
    ]);
    const found = await under.look(doubted);
    expect(found).toMatchObject({ state: "registered", registrationId: "77", doubtAttemptId: attemptId });
    expect(idsOf(await claimed(queue, hold))).toContain(later);
  });

  test.each(["not-found", "unsearchable"] as const)(
    "%s, it goes again with its mark, and is not searched for a second time",
    async (kind) => {
      const under = subject();
      const { queue } = under;
      const { doubted, attemptId } = await oneInDoubt();
      const search = await claimed(queue, seek(at(60)));
      await queue.settle(search.attemptId, report, [{ kind, scanId: doubted }]);
      expect(await under.look(doubted)).toMatchObject({ state: "waiting", doubtAttemptId: attemptId });
      expect(await queue.claim(request(seek(at(90))))).toBeNull();
      expect(idsOf(await claimed(queue, { ...hold, limit: 1 }))).toEqual([doubted]);
    },
  );

  test("a search that failed leaves the doubt open, a new doubt opens it again", async () => {
    const { queue } = subject();
    const { doubted } = await oneInDoubt();
    const search = await claimed(queue, seek(at(60)));
    await queue.settle(search.attemptId, report, [again(doubted)]);
    expect((await queue.backlog()).oldestDoubt).toBe(at(60));
    const second = await claimed(queue, seek(at(60)));
    await queue.settle(second.attemptId, report, [{ kind: "not-found", scanId: doubted }]);
    const call = await claimed(queue, { ...hold, limit: 1 });
    await queue.settle(call.attemptId, { ...report, endedAt: at(70) }, [{ kind: "doubtful", scanId: doubted }]);
    expect((await queue.backlog()).oldestDoubt).toBe(at(70));
  });

  test("after a death in the middle of a call its scans are in open doubt", async () => {
    const under = subject();
    const scanId = await under.record(1, at(0));
    await claimed(under.queue);
    await under.queue.recoverInterrupted(at(61));
    expect(await under.queue.claim(request(hold))).toBeNull();
    expect(idsOf(await claimed(under.queue, seek(at(61))))).toEqual([scanId]);
  });

  test("a doubt of the future was written before the clock was set back, and is not waited for", async () => {
    const { queue } = subject();
    const { doubted } = await oneInDoubt();
    expect(await queue.claim(request({ now: at(59.5), ...seek(at(59.5)) }))).toBeNull();
    expect(idsOf(await claimed(queue, { now: at(58), ...seek(at(58)) }))).toEqual([doubted]);
  });
}

function describeLimit(subject: () => QueueUnderTest): void {
  test("scans at or before the given stamp are withheld, never sent, until a person releases them", async () => {
    const under = subject();
    const { queue } = under;
    const late = await under.record(1, at(0));
    const edge = await under.record(2, at(1));
    const fresh = await under.record(3, at(2));
    const claim = await claimed(queue, { window: windowAfter(at(1)) });
    expect(idsOf(claim)).toEqual([fresh]);
    expect((await under.look(late)).state).toBe("withheld");
    expect((await under.look(edge)).state).toBe("withheld");
    await queue.settle(claim.attemptId, report, [registered(fresh)]);
    expect(await queue.claim(request({ window: windowAfter(at(1)) }))).toBeNull();
    await under.release(late, at(61));
    expect(idsOf(await claimed(queue, { window: windowAfter(at(1)) }))).toEqual([late]);
  });

  test("in doubt, one past the limit is searched for all the same, and kept back only when it is not found", async () => {
    const under = subject();
    const { queue } = under;
    const [doubted, later] = [await under.record(1, at(0)), await under.record(1, at(10))];
    const { attemptId } = await claimed(queue, { limit: 1 });
    await queue.settle(attemptId, report, [{ kind: "doubtful", scanId: doubted }]);
    const [hold, window] = [{ kind: "hold" } as const, windowAfter(at(0))];
    expect(await queue.claim(request({ doubts: hold, window }))).toBeNull();
    const search = await claimed(queue, { doubts: { kind: "seek", endedBefore: at(60) }, window });
    expect(idsOf(search)).toEqual([doubted]);
    await queue.settle(search.attemptId, report, [{ kind: "not-found", scanId: doubted }]);
    expect(idsOf(await claimed(queue, { doubts: hold, window }))).toEqual([later]);
    expect(await under.look(doubted)).toMatchObject({ state: "withheld", doubtAttemptId: attemptId });
  });

  test("a scan that is late only by the service's furthest clock waits until that is settled, and is then sent or withheld", async () => {
    const under = subject();
    const { queue } = under;
    const scanId = await under.record(1, at(10));
    const doubted = { ...windowAfter(at(0)), phi: { loMs: 0, hiMs: 20 * minute } };
    expect(await queue.claim(request({ window: doubted }))).toBeNull();
    expect((await under.look(scanId)).state).toBe("waiting");
    const claim = await claimed(queue, { window: { ...doubted, phi: { loMs: 0, hiMs: 0 } } });
    expect(idsOf(claim)).toEqual([scanId]);
    await queue.settle(claim.attemptId, report, [again(scanId)]);
    const behind = { ...doubted, phi: { loMs: 20 * minute, hiMs: 20 * minute } };
    expect(await queue.claim(request({ window: behind }))).toBeNull();
    expect((await under.look(scanId)).state).toBe("withheld");
  });

  test("withholding a worker's old scan does not hold up his next", async () => {
    const under = subject();
    const { queue } = under;
    const late = await under.record(1, at(0));
    const fresh = await under.record(1, at(30));
    expect(idsOf(await claimed(queue, { window: windowAfter(at(1)) }))).toEqual([fresh]);
    expect((await under.look(late)).state).toBe("withheld");
  });
}

function describeStandstill(subject: () => QueueUnderTest): void {
  test("after a death in the middle of a call its scans wait again, in doubt", async () => {
    const under = subject();
    const { queue } = under;
    const first = await under.record(1, at(0));
    const second = await under.record(2, at(1));
    const { attemptId } = await claimed(queue, { limit: 1 });
    expect(await queue.recoverInterrupted(at(61))).toBe(1);
    expect(await under.look(first)).toMatchObject({ state: "waiting", doubtAttemptId: attemptId });
    expect(await under.look(second)).toMatchObject({ state: "waiting", doubtAttemptId: null });
    expect(await queue.recoverInterrupted(at(62))).toBe(0);
    expect(idsOf(await claimed(queue))).toEqual([first, second]);
  });

  test("a scan of an unknown badge is not due until the roster knows it and it was resolved", async () => {
    const under = subject();
    const { queue } = under;
    const scanId = await under.recordUnknown(7, at(0));
    expect(await queue.resolveUnknown(10)).toBe(0);
    expect(await queue.claim(request())).toBeNull();
    await under.learn([7]);
    expect(await queue.resolveUnknown(10)).toBe(1);
    expect(await queue.resolveUnknown(10)).toBe(0);
    expect(idsOf(await claimed(queue))).toEqual([scanId]);
  });

  test("no more scans of unknown badges are resolved at once than asked", async () => {
    const under = subject();
    const { queue } = under;
    for (const worker of [7, 8, 9]) await under.recordUnknown(worker, at(worker));
    await under.learn([7, 8, 9]);
    expect(await queue.resolveUnknown(2)).toBe(2);
    expect(await queue.resolveUnknown(2)).toBe(1);
  });
}

async function claimed(queue: ForwardQueue, change: Partial<ClaimRequest> = {}): Promise<Claim> {
  const claim = await queue.claim(request(change));
  if (claim === null) throw new Error("nothing was due");
  return claim;
}
