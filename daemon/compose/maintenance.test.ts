import { mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { present } from "../base/assert.ts";
import { silentLog } from "../base/log.ts";
import { parseUtcText } from "../base/system-time.ts";
import type { WallMs } from "../base/time.ts";
import { ManualTime } from "../testing/manual-time.ts";
import {
  dayMs,
  minuteMs,
  recordingLog,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { longestDayMs, lookPeriodMs, type Maintained, retryAfterMs, startMaintenance } from "./maintenance.ts";

const hourMs = 60 * minuteMs;

let directory: TemporaryDirectory;
let time: ManualTime;
/** Of each clean-up when it was. */
let done: WallMs[];
let isTrusted: boolean;

beforeEach(() => {
  directory = temporaryDirectory();
  time = new ManualTime();
  done = [];
  isTrusted = true;
});
afterEach(() => directory[Symbol.dispose]());

const cleaned: Maintained = { maintain: async (now) => void done.push(now) };
const failing: Maintained = { maintain: () => Promise.reject(new Error("disk I/O error")) };

function start(kept: Readonly<Record<string, Maintained>> = { cleaned }, log = silentLog): AsyncDisposable {
  const clock = { now: () => (isTrusted ? { utcMs: time.wallMs() } : null) };
  return startMaintenance({ timeZone: "Europe/Brussels", folder: directory.path }, kept, { clock, time, log });
}

describe("at half past three in the site's own time zone", () => {
  beforeEach(() => {
    const before = present(parseUtcText("2026-03-02T02:29:30Z"), "a moment");
    vi.useFakeTimers({ now: before });
    time.setWall(before);
  });
  afterEach(() => void vi.useRealTimers());

  test("a box that is on cleans up, and has nothing to make up for by day", async () => {
    await using _running = start();
    await vi.advanceTimersByTimeAsync(minuteMs);
    expect(done).toEqual([time.wallMs()]);
    vi.useRealTimers();
    await time.advance(20 * hourMs);
    expect(done).toHaveLength(1);
  });

  test("one whose clock nothing vouches for leaves it out, and says so", async () => {
    isTrusted = false;
    const log = recordingLog();
    await using _running = start({ cleaned }, log);
    await vi.advanceTimersByTimeAsync(minuteMs);
    expect(done).toEqual([]);
    expect(log.lines).toMatchObject([{ message: "nightly clean-up left out, nothing vouches for the time" }]);
  });
});

test("a box whose power is cut with the site's at night cleans up by day, once", async () => {
  for (let day = 0; day < 10; day += 1) {
    await using _running = start();
    await time.advance(13 * hourMs);
    time.setWall(time.wallMs() + 11 * hourMs);
  }
  expect(done.length).toBeGreaterThanOrEqual(9);
  expect(done.length).toBeLessThanOrEqual(10);
});

test("a start is not burdened with it, and a restart on the same day does not repeat it", async () => {
  {
    await using _running = start();
    await time.advance(lookPeriodMs - 1);
    expect(done).toEqual([]);
    await time.advance(1);
    expect(done).toHaveLength(1);
  }
  await using _again = start();
  await time.advance(longestDayMs - lookPeriodMs);
  expect(done).toHaveLength(1);
  await time.advance(2 * lookPeriodMs);
  expect(done).toHaveLength(2);
});

test("it waits for a clock that something vouches for", async () => {
  isTrusted = false;
  await using _running = start();
  await time.advance(3 * dayMs);
  expect(done).toEqual([]);
  isTrusted = true;
  await time.advance(lookPeriodMs);
  expect(done).toHaveLength(1);
});

test("a moment that a clock set back has overtaken holds nothing up", async () => {
  time.setWall(time.wallMs() + 3650 * dayMs);
  {
    await using _running = start();
    await time.advance(lookPeriodMs);
  }
  time.setWall(time.wallMs() - 3650 * dayMs);
  await using _running = start();
  await time.advance(lookPeriodMs);
  expect(done).toHaveLength(2);
});

test("what fails keeps nothing else from its turn, and all is tried again an hour later", async () => {
  const log = recordingLog();
  await using _running = start({ failing, cleaned }, log);
  await time.advance(lookPeriodMs);
  expect(done).toHaveLength(1);
  expect(log.lines).toMatchObject([{ fields: { of: "failing" } }]);
  await time.advance(retryAfterMs - 1);
  expect(done).toHaveLength(1);
  await time.advance(1);
  expect(done).toHaveLength(2);
});

test("one that lasts is not begun a second time", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const slow: Maintained = { maintain: () => promise };
  await using _running = start({ cleaned, slow });
  await time.advance(2 * dayMs);
  expect(done).toHaveLength(1);
  resolve();
});

test("a moment that can neither be read nor kept is told of, and the clean-up is made all the same", async () => {
  const log = recordingLog();
  const file = join(directory.path, "last-clean-up");
  mkdirSync(file);
  await using _running = start({ cleaned }, log);
  await time.advance(lookPeriodMs);
  expect(done).toHaveLength(1);
  expect(log.lines).toHaveLength(2);
  rmdirSync(file);
  await time.advance(retryAfterMs);
  expect(readFileSync(file, "utf8")).toMatch(/^\d{4}-\d{2}-\d{2}T.*Z\n$/);
});
