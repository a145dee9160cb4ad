import { describe, expect, test } from "vitest";
import { wallMs } from "../../base/time.ts";
import { dueScan } from "../../testing/memory-queue.ts";
import { scansOfNextCall } from "../call-size.ts";
import { forwardEvents } from "../events.ts";
import type { AttemptOutcome, Claim } from "../queue.ts";
import { unreadAnswersMax } from "../unread-answers.ts";
import type { CallReport, ItemOutcome } from "../upstream.ts";
import { type JudgedOutcome, judge } from "./judgement.ts";
import { type Judgement, type Lessons, noLessons } from "./lessons.ts";
import { refusedCallsMax } from "./narrowing.ts";
import { putOffMs } from "./putting-off.ts";
import { blindRefusalsMax } from "./refusal-judgement.ts";

const now = wallMs(1_780_000_000_000);

const claimOf = (...scanIds: readonly number[]): Claim => ({
  attemptId: 9,
  scans: scanIds.map((scanId) => dueScan({ scanId, worker: scanId, utcMs: now })),
});
const reported = (outcome: AttemptOutcome, httpStatus: number | null = null): CallReport => ({
  outcome,
  httpStatus,
  relatedTraceId: null,
  detail: "",
});
const answered = (...items: readonly ItemOutcome[]): JudgedOutcome => ({
  kind: "answered",
  items,
  report: reported("answered", 200),
});
const created: ItemOutcome = { kind: "created", registrationId: "17611", validity: "pending", remarks: [] };
const refused = (...culprits: readonly number[]): JudgedOutcome => ({
  kind: "refused",
  culprits: culprits.map((index) => ({ index, reason: `item ${index} is wrong` })),
  reason: "bad request",
  report: reported("call-refused", 400),
});
const understood: Lessons = { ...noLessons, isUnderstood: true };
const kinds = ({ settlements }: Judgement): readonly string[] => settlements.map((settlement) => settlement.kind);

describe("an answered call", () => {
  test("settles each scan by its own item", () => {
    const outcome = answered(created, { kind: "refused", reason: "not his employer" }, { kind: "unanswered" });
    const judgement = judge(claimOf(1, 2, 3), outcome, noLessons, now);
    expect(judgement.settlements).toEqual([
      { kind: "registered", scanId: 1, registrationId: "17611", validity: "pending", remarks: [] },
      { kind: "refused", scanId: 2, reason: "not his employer" },
      { kind: "doubtful", scanId: 3, notBefore: now + putOffMs },
    ]);
    expect(judgement.result.kind).toBe("went-through");
    expect(judgement.lines.map((line) => line.event)).toEqual([
      "scans registered",
      "scans refused by the service",
      "scans left in doubt, possible duplicates",
    ]);
  });

  test("with fewer items than scans leaves the others in doubt", () => {
    expect(kinds(judge(claimOf(1, 2), answered(created), noLessons, now))).toEqual(["registered", "doubtful"]);
  });

  test("with more items than scans is read as far as there are scans", () => {
    expect(kinds(judge(claimOf(1), answered(created, created), noLessons, now))).toEqual(["registered"]);
  });

  test("that speaks of no scan is a failure", () => {
    const judgement = judge(claimOf(1, 2), answered(), noLessons, now);
    expect(kinds(judgement)).toEqual(["doubtful", "doubtful"]);
    expect(judgement.result.kind).toBe("failed");
  });
});

describe("a refused call", () => {
  test("that names scans sets those aside and sends the others again at once", () => {
    const judgement = judge(claimOf(1, 2, 3), refused(1), noLessons, now);
    expect(judgement.settlements).toEqual([
      { kind: "again", scanId: 1, notBefore: null },
      { kind: "refused", scanId: 2, reason: "item 1 is wrong" },
      { kind: "again", scanId: 3, notBefore: null },
    ]);
    expect(judgement.result).toEqual({ kind: "narrowed", next: "at-once" });
  });

  test("gives a scan named twice both reasons", () => {
    const outcome: JudgedOutcome = {
      kind: "refused",
      culprits: [
        { index: 0, reason: "ssin: wrong" },
        { index: 0, reason: "type: wrong" },
      ],
      reason: "bad request",
      report: reported("call-refused", 400),
    };
    expect(judge(claimOf(1), outcome, understood, now).settlements).toEqual([
      { kind: "refused", scanId: 1, reason: "ssin: wrong; type: wrong" },
    ]);
  });

  test("that names a scan which was not in it counts as one that names none", () => {
    const judgement = judge(claimOf(1, 2), refused(7, -1), noLessons, now);
    expect(kinds(judgement)).toEqual(["again", "again"]);
    expect(scansOfNextCall(judgement.lessons.size)).toBe(1);
  });

  test("that names none halves the next", () => {
    const judgement = judge(claimOf(1, 2, 3, 4, 5), refused(), noLessons, now);
    expect(kinds(judgement)).toEqual(["again", "again", "again", "again", "again"]);
    expect(scansOfNextCall(judgement.lessons.size)).toBe(3);
  });

  test("of one scan refuses that scan, with the service's reason", () => {
    expect(judge(claimOf(1), refused(), understood, now).settlements).toEqual([
      { kind: "refused", scanId: 1, reason: "bad request" },
    ]);
  });

  test("of one scan lets others try first, as long as the service has understood no call of this run", () => {
    const first = judge(claimOf(1), refused(), noLessons, now);
    expect(first.settlements).toEqual([{ kind: "again", scanId: 1, notBefore: now + putOffMs }]);
    expect(first.result.kind).toBe("narrowed");
    for (const other of [answered(created, created), refused(0)]) {
      const { lessons } = judge(claimOf(2, 3), other, first.lessons, now);
      expect(kinds(judge(claimOf(1), refused(), lessons, now))).toEqual(["refused"]);
    }
  });

  test.each<[string, JudgedOutcome]>([
    ["naming nothing", refused()],
    ["naming it", refused(0)],
    ["answering that it was not created", answered({ kind: "refused", reason: "not his employer" })],
  ])("scan after scan, %s, puts the blame on the call: from the third on none is set aside", (_, outcome) => {
    let lessons: Lessons = understood;
    const seen: string[] = [];
    for (let scanId = 1; scanId <= 20; scanId += 1) {
      const judgement = judge(claimOf(scanId), outcome, lessons, now);
      seen.push(`${kinds(judgement)[0]} ${judgement.result.kind}`);
      lessons = judgement.lessons;
    }
    expect(seen.slice(0, blindRefusalsMax)).toEqual(["refused narrowed", "refused narrowed", "again failed"]);
    expect(new Set(seen.slice(blindRefusalsMax))).toEqual(new Set(["again failed"]));
  });

  test("after a call that was answered is to blame on its scan again", () => {
    const lessons: Lessons = { ...noLessons, blindRefusals: 7, refusedCalls: 7 };
    const { lessons: next } = judge(claimOf(1), answered(created), lessons, now);
    expect(kinds(judge(claimOf(2), refused(), next, now))).toEqual(["refused"]);
  });

  test.each<[string, JudgedOutcome]>([
    ["named", refused(0, 1, 2)],
    [
      "answered as not created",
      answered(...Array<ItemOutcome>(3).fill({ kind: "refused", reason: "item 0 is wrong" })),
    ],
  ])("in which every scan is %s sets none aside, and is followed by one with a single scan", (_, outcome) => {
    const judgement = judge(claimOf(1, 2, 3), outcome, understood, now);
    expect(kinds(judgement)).toEqual(["again", "again", "again"]);
    expect(scansOfNextCall(judgement.lessons.size)).toBe(1);
    expect(judgement.lines).toEqual([
      {
        level: "error",
        event: forwardEvents.allRefused,
        fields: { count: 3, attemptId: 9, reason: "item 0 is wrong" },
      },
    ]);
    const single = judge(claimOf(3), answered(created), judgement.lessons, now);
    expect(scansOfNextCall(single.lessons.size)).toBe(200);
  });

  test("that names scan after scan and lets none pass sets none aside after the twelfth in a row", () => {
    let lessons: Lessons = understood;
    for (let call = 1; call <= refusedCallsMax; call += 1) {
      const judgement = judge(claimOf(call, 100), refused(0), lessons, now);
      expect(kinds(judgement)).toEqual(["refused", "again"]);
      ({ lessons } = judgement);
    }
    expect(judge(claimOf(50, 100), refused(0), lessons, now).settlements).toEqual([
      { kind: "again", scanId: 50, notBefore: now + putOffMs },
      { kind: "again", scanId: 100, notBefore: null },
    ]);
  });

  test("is paced when it is not the first in a row, and backed off from after twelve", () => {
    let lessons: Lessons = noLessons;
    const results: string[] = [];
    for (let call = 1; call <= refusedCallsMax; call += 1) {
      const { result, lessons: next } = judge(claimOf(1, 2, 3), refused(0), lessons, now);
      results.push(result.kind === "narrowed" ? result.next : result.kind);
      lessons = next;
    }
    expect(results[0]).toBe("at-once");
    expect(new Set(results.slice(1, -1))).toEqual(new Set(["paced"]));
    expect(results.at(-1)).toBe("failed");
  });
});

describe("a call that is too large", () => {
  const tooLarge: JudgedOutcome = {
    kind: "not-processed",
    retryAfterMs: null,
    report: reported("call-refused", 413),
  };

  test("goes again in halves", () => {
    const judgement = judge(claimOf(1, 2, 3, 4), tooLarge, noLessons, now);
    expect(kinds(judgement)).toEqual(["again", "again", "again", "again"]);
    expect(scansOfNextCall(judgement.lessons.size)).toBe(2);
    expect(judgement.result.kind).toBe("narrowed");
  });

  test.each([1, 4])("is followed no sooner than it asked for, RFC 9110 section 15.5.14 (%i scans)", (scans) => {
    const claim = claimOf(...Array.from({ length: scans }, (_, index) => index + 1));
    const judgement = judge(claim, { ...tooLarge, retryAfterMs: 600_000 }, noLessons, now);
    expect(judgement.result).toEqual({ kind: "failed", retryAfterMs: 600_000 });
  });

  test("with one scan lets others go first", () => {
    const judgement = judge(claimOf(1), tooLarge, noLessons, now);
    expect(judgement.settlements).toEqual([{ kind: "again", scanId: 1, notBefore: now + 2_000 }]);
    expect(judgement.result.kind).toBe("failed");
    const later = judge(claimOf(2), tooLarge, { ...judgement.lessons, refusedCalls: refusedCallsMax }, now);
    expect(later.settlements).toEqual([{ kind: "again", scanId: 2, notBefore: now + putOffMs }]);
  });
});

test.each<[AttemptOutcome, "not-processed" | "ambiguous", string]>([
  ["not-connected", "not-processed", "again"],
  ["tls-failed", "not-processed", "again"],
  ["unauthorised", "not-processed", "again"],
  ["throttled", "not-processed", "again"],
  ["call-refused", "not-processed", "again"],
  ["timed-out", "ambiguous", "doubtful"],
  ["connection-lost", "ambiguous", "doubtful"],
  ["server-error", "ambiguous", "doubtful"],
  ["unintelligible", "ambiguous", "doubtful"],
])("%s, %s: scans become %s and the next call carries one", (outcome, kind, settled) => {
  const judgement = judge(claimOf(1, 2), { kind, retryAfterMs: 7_000, report: reported(outcome) }, noLessons, now);
  expect(kinds(judgement)).toEqual([settled, settled]);
  expect(judgement.result).toEqual({ kind: "failed", retryAfterMs: 7_000 });
  expect(scansOfNextCall(judgement.lessons.size)).toBe(1);
});

describe("answers of success that cannot be read", () => {
  const page: JudgedOutcome = { kind: "ambiguous", retryAfterMs: null, report: reported("unintelligible", 200) };
  const unreadable: JudgedOutcome = { ...page, isUnread: true };

  test("set a scan aside after the last of them, for the service may register it each time", () => {
    let lessons = noLessons;
    for (let answer = 1; answer < unreadAnswersMax; answer += 1) {
      const judgement = judge(claimOf(1), unreadable, lessons, now);
      expect(kinds(judgement)).toEqual(["doubtful"]);
      ({ lessons } = judgement);
    }
    const { settlements, lines, lessons: after } = judge(claimOf(1), unreadable, lessons, now);
    expect(settlements).toMatchObject([
      { kind: "refused", reason: expect.stringContaining("it may hold the registration") },
    ]);
    expect(lines.map(({ level }) => level)).toContain("error");
    expect(after.unread.size).toBe(0);
  });

  test("are counted of one that is always passed over among others, and forgotten with what is read", () => {
    const created = { kind: "created", registrationId: "r", validity: "pending", remarks: [] } as const;
    const passedOver: JudgedOutcome = {
      kind: "answered",
      items: [created, { kind: "unanswered" }],
      report: reported("answered", 200),
    };
    let lessons = noLessons;
    for (let answer = 1; answer < unreadAnswersMax; answer += 1) {
      ({ lessons } = judge(claimOf(answer + 100, 2), passedOver, lessons, now));
    }
    expect(kinds(judge(claimOf(200, 2), passedOver, lessons, now))).toEqual(["registered", "refused"]);
    const read: JudgedOutcome = { ...passedOver, items: [created, created] };
    expect(judge(claimOf(200, 2), read, lessons, now).lessons.unread.size).toBe(0);
  });

  test("a server error, and a page with status 200, are none of them", () => {
    const failed: JudgedOutcome = { kind: "ambiguous", retryAfterMs: null, report: reported("server-error", 500) };
    let lessons = noLessons;
    for (let answer = 0; answer <= unreadAnswersMax; answer += 1) {
      for (const outcome of [failed, page]) ({ lessons } = judge(claimOf(1), outcome, lessons, now));
    }
    expect(lessons.unread.size).toBe(0);
  });
});
