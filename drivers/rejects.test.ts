import { expect, test } from "vitest";
import { badgeRead, badSinceBadge, noRejects, type Rejects, rejected, textsMax } from "./rejects.ts";

/** `badge` is a badge that was read; `null` a frame that is no text. */
function after(...frames: readonly (string | null)[]): Rejects {
  return frames.reduce<Rejects>(
    (rejects, frame) => (frame === "badge" ? badgeRead(rejects) : rejected(rejects, frame)),
    noRejects,
  );
}

const many = <T>(times: number, frame: T): readonly T[] => Array.from({ length: times }, () => frame);

test.each<[string, readonly (string | null)[], number]>([
  ["nothing", [], 0],
  ["what came before any badge", many(7, "ALIVE"), 7],
  ["the text that came before a badge", ["ALIVE", "badge", ...many(7, "ALIVE")], 0],
  ["the same over badges between which it did not come", ["ALIVE", "badge", "badge", "ALIVE", "ALIVE"], 0],
  ["a text that is new", ["ALIVE", "badge", ...many(7, "X")], 7],
  ["a new text among the usual one", ["ALIVE", "badge", "ALIVE", "X", "ALIVE", "X"], 2],
  ["badges of a kind that the pattern rejects, once more", ["A", "B", "C", "badge", "A", "B", "C"], 2],
  ...[
    "NOREAD",
    "NoRead\r",
    "\x02NO-READ",
    "]X0NO LABEL",
    "BADCODE",
    "NR",
    "ERROR",
    "ERR01",
    "FAIL",
    "?",
    "gate1:???",
  ].map((said): [string, readonly (string | null)[], number] => [`"${said}"`, [said, "badge", ...many(7, said)], 7]),
  ...["MIRROR", "OK, NO ERROR", "READER NR 12", "T=21.5 ERR=0", "12 READ, 0 FAILED: 00"].map(
    (said): [string, readonly (string | null)[], number] => [
      `"${said}", which only ends like one`,
      [said, "badge", ...many(7, said)],
      0,
    ],
  ),
  ["what is no text", [null, "badge", null, null], 2],
  ["what came before a badge that was read since", ["X", "Y", "badge"], 0],
])("of %s as many count", (_name, frames, count) => {
  expect(badSinceBadge(after(...frames))).toBe(count);
});

test("what is kept has a limit, and what came last stays longest", () => {
  const texts = Array.from({ length: 3 * textsMax }, (_, index) => `text ${index}`);
  const rejects = after(...texts.flatMap((text) => [text, "badge"]));
  expect(rejects.earlier.size).toBe(textsMax);
  expect(rejects.earlier.has(texts.at(-1) ?? "")).toBe(true);
  expect(after(...texts).texts.size).toBe(textsMax);
  expect(badSinceBadge(after(...texts))).toBe(texts.length);
});
