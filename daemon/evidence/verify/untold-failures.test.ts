import { describe, expect, test } from "vitest";
import { allWell } from "../../testing/evidence/outage-scenes.ts";
import { UntoldFailures } from "./untold-failures.ts";

type Line =
  | "good"
  | "erased"
  | { readonly fails: string; readonly afterMs?: number; readonly box?: string }
  | { readonly window: "opened" | "reopened" | "cause-changed" | "gap" | "closed"; readonly cause: string }
  | { readonly other: string };

const sampleMs = 5_000;
const fails = (cause: string, more: { readonly afterMs?: number; readonly box?: string } = {}): Line => ({
  fails: cause,
  ...more,
});
const opened = (cause: string): Line => ({ window: "opened", cause });

/** The numbers of the lines, counted from 0, that are found. */
function found(lines: readonly Line[]): readonly number[] {
  const untold = new UntoldFailures();
  let wallMs = 1_772_428_800_000;
  for (const [seq, line] of lines.entries()) {
    if (line === "erased") untold.takeErased();
    else if (line === "good" || "fails" in line) {
      const { fails: cause, afterMs, box } = line === "good" ? { fails: null } : line;
      wallMs += afterMs ?? sampleMs;
      const layers = new Map(Object.entries({ ...allWell, box: box ?? "running" }));
      untold.takeSample({ seq, wallMs, errorMs: 8, cause, whole: true, layers });
    } else if ("window" in line) {
      const { window: change, cause } = line;
      untold.takeWindow({ seq, id: "w", change, cause, exemption: "presumed", start: [null, null], end: null });
    } else {
      const previous = Buffer.alloc(32);
      untold.takeOther({ seq, kind: line.other, wallMs, errorMs: 8, previous, data: {} });
    }
  }
  return untold.found.map(({ seq }) => seq);
}

describe("a failure that no window tells of is found", () => {
  test.each<[string, readonly Line[], readonly number[]]>([
    ["three samples in a row", ["good", fails("service"), fails("service"), fails("service"), "good"], [3]],
    ["three after one that was erased", ["erased", fails("a"), fails("a"), fails("a"), "erased"], [3]],
    ["many, once", ["good", ...Array<Line>(9).fill(fails("own-network")), "good"], [3]],
    ["a window of another cause", ["good", fails("a"), fails("a"), fails("a"), opened("b"), "good"], [3]],
    ["a cause that comes later", ["good", fails("a"), fails("a"), fails("a"), opened("a"), fails("b"), "good"], [5]],
    ["with a note between", ["good", fails("a"), fails("a"), { other: "note" }, fails("a"), "good"], [4]],
  ])("%s", (_, lines, expected) => {
    expect(found(lines)).toEqual(expected);
  });
});

describe("nothing is said", () => {
  test.each<[string, readonly Line[]]>([
    ["of two samples", ["good", fails("a"), fails("a"), "good", fails("a"), fails("a"), "good"]],
    ["of three in a window", ["good", fails("a"), fails("a"), fails("a"), opened("a"), fails("a"), "good"]],
    ["of what fails before the cause that is told", ["good", fails("a"), fails("a"), fails("b"), opened("b"), "good"]],
    [
      "of a cause that changes and is told",
      [
        "good",
        fails("a"),
        fails("a"),
        fails("a"),
        opened("a"),
        fails("b"),
        { window: "cause-changed", cause: "b" },
        "good",
      ],
    ],
    ["of a bundle that begins in an outage", [fails("a"), fails("a"), fails("a"), fails("a"), "good"]],
    ["of a bundle that ends before the record can be in it", ["good", fails("a"), fails("a"), fails("a")]],
    ["across a pause", ["good", fails("a"), fails("a"), fails("a", { afterMs: 15_001 }), "good"]],
    ["of a clock that went backwards", ["good", fails("a"), fails("a"), fails("a", { afterMs: -1 }), "good"]],
    ["across a restart", ["good", fails("a"), fails("a"), { other: "start" }, fails("a"), "good"]],
    ["when the box stopped before it could", ["good", fails("a"), fails("a"), fails("a"), { other: "start" }, "good"]],
    [
      "of another cause in a window that was taken up after a restart",
      ["good", fails("a"), fails("a"), fails("a"), opened("a"), { other: "start" }, fails("b"), "good"],
    ],
    [
      "of what was written afterwards",
      ["good", ...Array<Line>(4).fill(fails("operator", { box: "rebooted" })), "good"],
    ],
  ])("%s", (_, lines) => {
    expect(found(lines)).toEqual([]);
  });

  test("of the samples after a window that closed, until there are three again", () => {
    const outage = [fails("a"), fails("a"), fails("a")];
    const closed: Line = { window: "closed", cause: "a" };
    expect(found(["good", ...outage, opened("a"), "good", closed, fails("a"), fails("a"), "good"])).toEqual([]);
    expect(found(["good", ...outage, opened("a"), "good", closed, ...outage, "good"])).toEqual([9]);
    const reopened: Line = { window: "reopened", cause: "a" };
    expect(found(["good", ...outage, opened("a"), "good", closed, ...outage, reopened, "good"])).toEqual([]);
  });
});
