import { expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { monotonicNs, wallMs } from "../base/time.ts";
import { findingOf } from "./cause.ts";
import { describeOutage, edgeText, momentText } from "./description.ts";
import { beginningOf, durationOf, endOf, wordsIn } from "./explanation.ts";
import { windowsOfLastRun } from "./last-run.ts";
import { nothingSeen } from "./layers.ts";
import { initialWatch, type OutageWindow, step } from "./windows.ts";
import { languages } from "./words.ts";

const noon = 1_780_000_000_000;
const at = (s: number, bootId = "boot") => ({
  bootId,
  monotonicNs: monotonicNs(BigInt(s) * 1_000_000_000n),
  utcMs: wallMs(noon + s * 1000),
  errorBoundMs: 5,
});
const good = { ...nothingSeen, service: "ok" } as const;
const bad = { ...nothingSeen, link: "up", lan: "ok", dns: "ok", anchors: "all", service: "unreachable" } as const;

function run(samples: [number, boolean, string?][]): OutageWindow {
  let state = initialWatch;
  let last: OutageWindow | undefined;
  for (const [s, ok, boot] of samples) {
    const layers = ok ? good : bad;
    const next = step(state, {
      // A look takes two seconds.
      began: at(s - 2, boot),
      at: at(s, boot),
      layers,
      finding: findingOf(layers),
      isWhole: true,
      hasSlept: false,
    });
    state = next.state;
    last = next.changes.at(-1)?.window ?? last;
  }
  return present(last, "a window opened");
}

test("three hours that were watched stay three hours when the box was off at their end", () => {
  const three = Array.from({ length: 2161 }, (_, i): [number, boolean] => [5 + i * 5, false]);
  const window = run([[0, true], ...three, [10805 + 86400, true, "boot 2"]]);
  expect(durationOf(window).atLeastMs).toBeGreaterThan(3 * 3_600_000 - 3000);
});

test("the ends of a window stand in a table as moments, and as bounds where nobody watched", () => {
  const watched = run([
    [0, true],
    [30, false],
    [35, false],
    [40, false],
    [45, true],
  ]);
  expect(edgeText(watched.firstBad, beginningOf(watched), "UTC")).not.toContain("≤");
  const last = { at: at(0), ended: true, power: "unknown" } as const;
  const off = present(
    windowsOfLastRun(last, at(200_000, "boot 2"), at(200_010, "boot 2"))[0],
    "there was a run before",
  );
  expect(edgeText(off.firstBad, beginningOf(off), "UTC")).toMatch(/^≤ /);
  expect(edgeText(present(off.end, "it ended").firstGood, present(endOf(off), "it ended"), "UTC")).not.toContain("≤");
});

test("a day in which the box was off is no failure for certain", () => {
  const window = run([
    [0, true],
    [5, false],
    [10, false],
    [15, false],
    [86_400, false, "boot 2"],
    [86_405, true, "boot 2"],
  ]);
  expect(durationOf(window).atLeastMs).toBeLessThan(60_000);
});

test("an hour that nobody watched is taken off once, also when it failed again soon after", () => {
  const watched = Array.from({ length: 1440 }, (_, i): [number, boolean] => [5 + i * 5, false]);
  const again: [number, boolean, string][] = [
    [10_800, true, "boot 2"],
    [10_805, false, "boot 2"],
    [10_810, false, "boot 2"],
    [10_815, false, "boot 2"],
    [10_820, true, "boot 2"],
  ];
  expect(durationOf(run([[0, true], ...watched, ...again])).atLeastMs).toBeGreaterThan(7_100_000);
});

test("the good minutes between two failures of one window are no failure for certain", () => {
  const s: [number, boolean][] = [[0, true]];
  let t = 5;
  for (let k = 0; k < 30; k += 1) {
    for (let i = 0; i < 3; i += 1, t += 5) s.push([t, false]);
    for (let i = 0; i < 20; i += 1, t += 5) s.push([t, true]);
  }
  const window = run(s);
  expect(window.flaps).toBe(29);
  // Thirty times it failed, for no longer than from the good look before to the one after.
  expect(durationOf(window).atLeastMs).toBeLessThanOrEqual(30 * 20_000);
});

test.each(languages)("in %s moments that nothing proves are told apart from proven ones", (language) => {
  const proven = run([
    [0, true],
    [5, false],
    [10, false],
    [15, false],
    [20, true],
  ]);
  const firstBad = { ...proven.firstBad, errorBoundMs: null };
  const unproven = { ...proven, firstBad };
  const told = (window: OutageWindow): string =>
    describeOutage(
      {
        windowId: 1,
        window,
        otherChannelWorked: false,
        entries: [],
        delayed: 0,
        withheld: 0,
        firstRegisteredAfter: null,
      },
      wordsIn[language],
      "Europe/Brussels",
      null,
    ).join("\n");
  expect(told(unproven)).not.toEqual(told({ ...proven, firstBad: { ...firstBad, errorBoundMs: 0 } }));
  expect(durationOf(unproven)).toEqual({ atLeastMs: null, atMostMs: null });
});

test("a moment that lies in a sleep of the box is told as the latest that it can have been", () => {
  const moment = { bootId: "boot", monotonicNs: monotonicNs(1n), utcMs: wallMs(1_780_000_000_000) };
  const text = (errorBoundMs: number | null): string => momentText({ ...moment, errorBoundMs }, "Europe/Brussels");
  expect([text(null), text(30), text(3_600_000)]).toEqual([
    "2026-05-28 22:26:40 GMT+2",
    "2026-05-28 22:26:40 GMT+2",
    "≤ 2026-05-28 23:26:40 GMT+2",
  ]);
});

test.each(languages)("in %s a window that goes on has no empty line of how long it lasted", (language) => {
  const words = wordsIn[language];
  const told = (window: OutageWindow): readonly string[] =>
    describeOutage(
      {
        window,
        windowId: 1,
        otherChannelWorked: false,
        entries: [],
        delayed: 0,
        withheld: 0,
        firstRegisteredAfter: null,
      },
      words,
      "UTC",
      null,
    );
  const looks: [number, boolean][] = [
    [0, true],
    [5, false],
    [10, false],
    [15, false],
  ];
  const goesOn = told(run(looks));
  expect(goesOn.filter((line) => line !== line.trimEnd() || line.startsWith(words.window.duration))).toEqual([]);
  expect(told(run([...looks, [20, true]])).filter((line) => line.startsWith(words.window.duration))).toHaveLength(1);
});

test.each(languages)("in %s every value of a window begins in the same column", (language) => {
  const words = wordsIn[language];
  const window = run([
    [0, true],
    [5, false],
    [10, false],
    [15, false],
    [20, true],
  ]);
  const lines = describeOutage(
    {
      window,
      windowId: 1,
      otherChannelWorked: false,
      entries: [],
      delayed: 1,
      withheld: 0,
      firstRegisteredAfter: wallMs(noon + 21_000),
    },
    words,
    "UTC",
    null,
  );
  const names = [words.window.began, words.window.ended, words.window.cause, words.window.firstAfter];
  const columns = names.map((name) => {
    const line = present(
      lines.find((each) => each.startsWith(`${name}  `)),
      "each is told",
    );
    return name.length + line.slice(name.length).search(/\S/);
  });
  expect(new Set(columns).size).toBe(1);
});

const ownCause = { nl: "bij u", fr: "chez vous", de: "bei Ihnen", en: "with you" } as const;

test.each(languages)("in %s nobody is told to be exempt without the procedure's condition", (language) => {
  const window = run([
    [0, true],
    [5, false],
    [10, false],
    [15, false],
    [20, true],
  ]);
  const told = (exemption: "ambiguous" | "not-exempt" | "presumed"): string => {
    const [{ finding, ...segment }] = window.segments;
    return describeOutage(
      {
        window: { ...window, segments: [{ ...segment, finding: { ...finding, exemption } }] },
        windowId: 1,
        otherChannelWorked: false,
        entries: [],
        delayed: 0,
        withheld: 0,
        firstRegisteredAfter: null,
      },
      wordsIn[language],
      "UTC",
      null,
    ).join("\n");
  };
  // RSZ, detailed procedure, step 3: "als het probleem niet veroorzaakt wordt door u of door middelen die u ter beschikking stelt".
  expect(told("ambiguous")).toContain(ownCause[language]);
  expect(told("presumed")).toContain(ownCause[language]);
  expect(told("not-exempt")).not.toContain(wordsIn[language].step.exempt);
});
