import { expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { monotonicNs, wallMs } from "../base/time.ts";
import { findingOf } from "../outage/cause.ts";
import { type Layers, nothingSeen } from "../outage/layers.ts";
import type { Moment, OutageWindow, Segment, WindowChange } from "../outage/windows.ts";
import { windowRecords } from "./evidence-records.ts";
import { type ToldChange, untoldChanges } from "./untold-windows.ts";

function at(seconds: number, errorBoundMs: number | null = 2.5): Moment {
  const monotonic = monotonicNs(BigInt(seconds) * 1_000_000_000n);
  return { bootId: "boot", monotonicNs: monotonic, utcMs: wallMs(1_780_000_000_000 + seconds * 1000), errorBoundMs };
}

function segment(seconds: number, changed: Partial<Layers>): Segment {
  const layers: Layers = { ...nothingSeen, link: "up", lan: "ok", dns: "ok", anchors: "all", ...changed };
  return { from: at(seconds), finding: present(findingOf(layers), "it fails"), layers };
}

const service = segment(10, { service: "unreachable" });
const own = segment(30, { link: "down", service: "unreachable" });
const again = segment(50, { service: "unreachable" });
const end = { lastBad: at(60), firstGood: at(65) };
const open: OutageWindow = {
  key: "boot/1",
  lastGood: at(5),
  firstBad: at(10),
  openedAt: at(20),
  segments: [service],
  flaps: 0,
  gaps: [],
  end: null,
};
const changed: OutageWindow = { ...open, segments: [service, own] };
const closed: OutageWindow = { ...changed, end };

/** As the log has it: the last record of a change. */
function told(kind: WindowChange["kind"], window: OutageWindow): ToldChange {
  const content = windowRecords({ kind, window }).at(-1);
  if (content?.kind !== "window") throw new Error("a change is told by a record of the window");
  return content.data;
}

test.each<[string, OutageWindow, ToldChange | readonly ToldChange[] | null, readonly (readonly [string, string])[]]>([
  ["all of it", closed, told("closed", closed), []],
  ["that it opened, and it lasts", open, told("opened", open), []],
  ["a gap in it", open, told("gap", open), []],
  ["nothing of one that lasts", open, null, [["opened", "service"]]],
  [
    "nothing of one that is over",
    closed,
    null,
    [
      ["opened", "service"],
      ["cause-changed", "own-network"],
      ["closed", "own-network"],
    ],
  ],
  ["not its last cause", changed, told("opened", open), [["cause-changed", "own-network"]]],
  [
    "its second cause but not the third",
    { ...closed, segments: [service, own, again] },
    told("cause-changed", changed),
    [
      ["cause-changed", "service"],
      ["closed", "service"],
    ],
  ],
  [
    "its first cause, which it has again",
    { ...changed, segments: [service, own, again] },
    told("opened", open),
    [
      ["cause-changed", "own-network"],
      ["cause-changed", "service"],
    ],
  ],
  [
    "its third cause, which is that of the first, but not the fourth nor the fifth",
    { ...changed, segments: [service, own, again, own, again] },
    [
      told("opened", open),
      told("cause-changed", changed),
      told("cause-changed", { ...changed, segments: [service, own, again] }),
    ],
    [
      ["cause-changed", "own-network"],
      ["cause-changed", "service"],
    ],
  ],
  ["not that it is over", closed, told("cause-changed", changed), [["closed", "own-network"]]],
  ["an end, and it lasts again", changed, told("closed", closed), [["reopened", "own-network"]]],
  [
    "an end, and it ended once more",
    { ...closed, flaps: 1, end: { lastBad: at(90), firstGood: at(95) } },
    told("closed", closed),
    [
      ["reopened", "own-network"],
      ["closed", "own-network"],
    ],
  ],
  [
    "an end by a clock that nothing had proven",
    closed,
    told("closed", { ...closed, end: { lastBad: at(60, null), firstGood: at(64, null) } }),
    [],
  ],
  [
    "nothing of the end of a run",
    { ...open, segments: [segment(10, { box: "rebooted-unclean" })], end },
    null,
    [["closed", "power-unproven"]],
  ],
])("of a window of which the log says %s the rest is told", (_, window, last, expected) => {
  const log = last === null ? [] : [last].flat();
  const changes = untoldChanges(window, log);
  expect(changes.map(({ kind, window: then }) => [kind, then.segments.at(-1)?.finding.cause])).toEqual(expected);
  // Whatever is told, the log then knows all.
  const whole = [...log, ...changes.map((change) => told(change.kind, change.window))];
  expect(untoldChanges(window, whole)).toEqual([]);
});
