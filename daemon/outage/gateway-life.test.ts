import { expect, test } from "vitest";
import { entryOutlivesMs, gatewayState } from "./gateway-life.ts";

test.each([
  ["it answers, whatever is remembered of it", "alive", false, 0, "ok"],
  ["silent, and its address is not answered either", "unreachable", false, 0, "failed"],
  ["silent for a moment, its address remembered from before", "unreachable", true, 0, "unknown"],
  ["silent for nearly as long as it may be remembered", "unreachable", true, entryOutlivesMs - 1, "unknown"],
  ["silent for longer: its address was asked for again", "unreachable", true, entryOutlivesMs, "ok"],
  ["silent, nothing is remembered of it", "unreachable", null, entryOutlivesMs, "unknown"],
] as const)("a gateway: %s", (_, tcp, neighbourAnswers, sinceProvenMs, state) => {
  expect(gatewayState(tcp, neighbourAnswers, sinceProvenMs)).toBe(state);
});
