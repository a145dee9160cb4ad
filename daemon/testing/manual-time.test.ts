import { expect, test } from "vitest";
import { elapsedMs } from "../base/time.ts";
import { ManualTime } from "./manual-time.ts";

test("timers fire in the order in which they fall due, at their moment", async () => {
  const time = new ManualTime(1_000_000);
  const fired: string[] = [];
  const note = (name: string) => () => fired.push(`${name} ${time.wallMs() - 1_000_000}`);
  time.after(30, note("late"));
  time.after(10, note("early"));
  const beat = time.every(15, note("beat"));
  await time.advance(31);
  beat[Symbol.dispose]();
  await time.advance(100);
  expect(fired).toEqual(["early 10", "beat 15", "late 30", "beat 30"]);
  expect(time.waiting).toBe(0);
});

test("setting the wall clock back moves neither monotonic time nor timers", async () => {
  const time = new ManualTime(1_000_000);
  const from = time.monotonicNs();
  let fired = false;
  time.after(20, () => {
    fired = true;
  });
  await time.advance(10);
  time.setWall(500);
  await time.advance(10);
  expect(fired).toBe(true);
  expect(time.wallMs()).toBe(510);
  expect(elapsedMs(from, time.monotonicNs())).toBe(20);
});

test("a sleep ends with its signal, and leaves no timer behind", async () => {
  const time = new ManualTime();
  const stop = new AbortController();
  const sleep = time.sleep(1_000, stop.signal);
  stop.abort();
  await sleep;
  expect(time.waiting).toBe(0);
});
