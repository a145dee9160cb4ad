import { expect, test } from "vitest";
import { monotonicNs } from "../base/time.ts";
import { type Contradiction, contradictionAfter, isProven } from "./contradiction.ts";
import { type Layers, nothingSeen } from "./layers.ts";

type Service = Layers["service"];

/** A look a minute; each call ends half a minute before the look that stands beside it. */
function contradictionOf(
  looks: readonly (readonly [call: Service | null, found: Service, anchors?: "none"])[],
): string {
  let before: Parameters<typeof contradictionAfter>[0] = { contradiction: null, layers: nothingSeen, beganNs: null };
  let call: Parameters<typeof contradictionAfter>[1] = null;
  let known: Contradiction | null = null;
  for (const [index, [state, service, anchors = "all"]] of looks.entries()) {
    const at = (seconds: number) => monotonicNs(BigInt(index * 60 + seconds) * 1_000_000_000n);
    if (state !== null) call = { state, atNs: at(30) };
    const layers: Layers = { ...nothingSeen, anchors, service };
    known = contradictionAfter(before, call, layers, true);
    before = { contradiction: known, layers, beganNs: at(60) };
  }
  return known === null ? "none" : isProven(known) ? known.kind : "not yet";
}

test.each<[string, Parameters<typeof contradictionOf>[0], string]>([
  ["one call in vain", [["server-error", "ok"]], "not yet"],
  [
    "one call in vain, and many looks",
    [
      ["server-error", "ok"],
      [null, "ok"],
      [null, "ok"],
    ],
    "not yet",
  ],
  [
    "two calls in vain",
    [
      ["server-error", "ok"],
      ["unreachable", "ok"],
    ],
    "in-vain",
  ],
  [
    "a call between them that was taken",
    [
      ["server-error", "ok"],
      ["ok", "ok"],
      ["server-error", "ok"],
    ],
    "not yet",
  ],
  [
    "calls in vain while it was down",
    [
      ["unreachable", "unreachable"],
      ["unreachable", "unreachable"],
    ],
    "none",
  ],
  [
    "a call from before it was back",
    [
      ["unreachable", "unreachable"],
      [null, "ok"],
    ],
    "none",
  ],
  ["calls taken for ten minutes", [[null, "server-error"], ...Array(11).fill(["ok", "server-error"])], "taken"],
  ["calls taken for nine minutes", [[null, "server-error"], ...Array(10).fill(["ok", "server-error"])], "not yet"],
  [
    "four calls taken in an hour",
    [
      [null, "server-error"],
      ...Array(4)
        .fill([["ok", "server-error"], ...Array(14).fill([null, "server-error"])])
        .flat(),
    ],
    "not yet",
  ],
  ["a call taken just before it failed", [["ok", "ok"], ...Array(9).fill([null, "unreachable"])], "none"],
  ["a call taken as it failed", [[null, "ok"], ["ok", "unreachable"], ...Array(9).fill([null, "unreachable"])], "none"],
  ["calls taken over a line that fails", Array(9).fill(["ok", "unreachable", "none"]), "none"],
])("%s", (_, looks, contradiction) => {
  expect(contradictionOf(looks)).toBe(contradiction);
});
