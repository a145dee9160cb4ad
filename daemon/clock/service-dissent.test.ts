import fc from "fast-check";
import { expect, test } from "vitest";
import { monotonicNs, wallMs } from "../base/time.ts";
import { agreedOffset, answerAgeMaxNs, type DatedAnswer, noteAnswer, serviceTrustNs } from "./service-clock.ts";
import { type JudgedAnswers, judgeAnswers, noAnswers } from "./service-dissent.ts";
import { nsPerMs } from "./utc.ts";

/** UTC − monotonic time. */
const thetaMs = 1_773_489_600_000;
const ppm = 100;
const hourMs = 3_600_000;

/** An answer that takes no time, of a server whose clock is `offMs` ahead. */
function answer(atMs: number, offMs = 0): DatedAnswer {
  const at = monotonicNs(BigInt(Math.round(atMs * 1e6)));
  const dateMs = wallMs(Math.floor((thetaMs + atMs + offMs) / 1000) * 1000);
  return { dateMs, sentNs: at, receivedNs: at, aged: false };
}

function judged(before: JudgedAnswers, next: DatedAnswer): JudgedAnswers {
  return judgeAnswers(noteAnswer(before.heard, next), next.receivedNs, ppm);
}

/** One answer each ten seconds; a letter is one clock, far from that of any other letter. */
function heard(story: string): JudgedAnswers {
  const offsMs: Readonly<Record<string, number>> = { a: 0, b: hourMs, c: -hourMs };
  return [...story].reduce((known, name, index) => judged(known, answer(index * 10_000, offsMs[name])), noAnswers);
}

test.each([
  ["a", 1, "agreed"],
  ["aaab", 4, "unconfirmed"],
  ["aab", 3, "divided"],
  ["aaabb", 5, "divided"],
  ["aaabc", 5, "divided"],
  ["aaaba", 4, "agreed"],
  ["aaabbaa", 5, "agreed"],
  ["aaabbba", 7, "divided"],
  ["aaabbbaaa", 6, "agreed"],
  ["aaabbbba", 8, "divided"],
  ["aaaabbbbbbbbb", 13, "divided"],
  ["baaa", 4, "divided"],
  ["baaaa", 4, "agreed"],
  ["bbaaaaaaaa", 10, "divided"],
  ["aaaabcba", 8, "divided"],
  ["aaaabcbaa", 6, "agreed"],
  ["aaaaabab", 7, "unconfirmed"],
  ["bababab", 7, "divided"],
  ["aabaabaabaa", 8, "agreed"],
  ["bbbbaabaaabaaaaab", 17, "divided"],
] as const)("of the answers %s there remain %i, %s", (story, remaining, standing) => {
  const { answers, ...found } = heard(story);
  expect([answers.length, found.standing]).toEqual([remaining, standing]);
});

test("what came in doubt counts against a newer one until it is forgotten", () => {
  const forgottenMs = Number(answerAgeMaxNs / nsPerMs) + 40_000;
  expect(judged(heard("aaabb"), answer(forgottenMs)).standing).toBe("divided");
  expect(judged(heard("aaabb"), answer(forgottenMs + 1)).standing).toBe("agreed");
});

test("while most of the answers are right, what they agree on holds the truth", () => {
  const right = fc.record({ offMs: fc.integer({ min: -900, max: 900 }), isRight: fc.constant(true) });
  const wrong = fc.record({ offMs: fc.constantFrom(-hourMs, 4000), isRight: fc.constant(false) });
  const either = fc.oneof(right, wrong, right);
  const story = fc.array(fc.tuple(either, fc.integer({ min: 1, max: 30_000 })), { maxLength: 60 });
  const thetaNs = BigInt(thetaMs) * nsPerMs;
  let claims = 0;
  fc.assert(
    fc.property(story, (heardOf) => {
      let [known, atMs, balance] = [noAnswers, 0, 0];
      for (const [{ offMs, isRight }, laterMs] of heardOf) {
        atMs += laterMs;
        balance += isRight ? 1 : -1;
        known = judged(known, answer(atMs, offMs));
        if (known.standing !== "agreed" || balance <= 0) continue;
        claims += 1;
        const offset = agreedOffset(known.answers, monotonicNs(BigInt(atMs) * nsPerMs), ppm);
        expect(offset?.lowNs).toBeLessThanOrEqual(thetaNs + serviceTrustNs);
        expect(offset?.highNs).toBeGreaterThanOrEqual(thetaNs - serviceTrustNs);
      }
    }),
    { numRuns: 300 },
  );
  expect(claims).toBeGreaterThan(100);
});
