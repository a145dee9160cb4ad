import { expect, test } from "vitest";
import type { Wanted } from "../evidence/bundle/gather.ts";
import { shownPeriod } from "./shown-period.ts";

const period: Wanted = { kind: "period", fromMs: 1000, toMs: 9000 };

test.each([
  ["of the first epoch is told whole", 1, 5000, 1000],
  ["of a later epoch that had begun is told whole", 2, 1000, 1000],
  ["in which an epoch began is told from there on", 2, 5000, 5000],
  ["of an epoch for whose time nothing vouched is told as it was asked for", 2, null, 1000],
])("a period %s", (_, epoch, beganMs, from) => {
  const told: string[] = [];
  expect(shownPeriod(period, { epoch, beganMs }, { err: (line) => told.push(line) })).toEqual({ from, to: 9000 });
  expect(told).toHaveLength(from === 1000 ? 0 : 1);
});
