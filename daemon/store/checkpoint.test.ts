import { expect, test } from "vitest";
import { overdueFrames, planCheckpoint, quietMs, worthwhileFrames } from "./checkpoint.ts";

test.each<[string, number, number, number, object]>([
  ["an empty log", 0, 0, quietMs, { kind: "none" }],
  ["a few frames, quiet", worthwhileFrames - 1, 0, quietMs, { kind: "none" }],
  ["worth its while, quiet", worthwhileFrames, 0, quietMs, { kind: "now" }],
  ["worth its while, badging", worthwhileFrames, 0, 500, { kind: "wait", forMs: quietMs - 500 }],
  ["much, badging", overdueFrames - 1, 0, 0, { kind: "wait", forMs: quietMs }],
  ["overdue, badging", overdueFrames, 0, 0, { kind: "now" }],
  ["long, but copied already", overdueFrames, overdueFrames, quietMs, { kind: "none" }],
])("%s", (_what, frames, checkpointed, quietForMs, plan) => {
  expect(planCheckpoint({ frames, checkpointed }, quietForMs)).toEqual(plan);
});
