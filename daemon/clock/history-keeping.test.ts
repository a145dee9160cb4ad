import { expect, test } from "vitest";
import { silentLog } from "../base/log.ts";
import { monotonicNs } from "../base/time.ts";
import { MemoryClockHistory } from "../testing/chrony/memory-clock-history.ts";
import { HistoryKeeping } from "./history-keeping.ts";
import type { ClockEvent } from "./step-watch.ts";
import type { BootSeen } from "./synchronisation.ts";

const seen: BootSeen = { atNs: monotonicNs(9n), sleptMs: 4000 };
const span = { sinceNs: monotonicNs(1n), atNs: monotonicNs(2n) };
const slept: ClockEvent = { kind: "suspend", ...span, forMs: 1000 };
const sleptAgain: ClockEvent = { kind: "suspend", sinceNs: monotonicNs(3n), atNs: monotonicNs(4n), forMs: 3000 };
const contradicted: ClockEvent = { kind: "contradiction", ...span };

/** Keeps for a store that refuses, or takes its time, as `admit` says. */
function keepingFor(admit: (event: ClockEvent) => Promise<void>) {
  const history = new MemoryClockHistory();
  const recordEvent = history.recordEvent.bind(history);
  history.recordEvent = async (bootId, event) => {
    await admit(event);
    await recordEvent(bootId, event);
  };
  const keeping = new HistoryKeeping({ history, clocks: { begun: seen, seen: () => seen }, log: silentLog }, "boot");
  return { history, keeping };
}

const full = (): Promise<void> => Promise.reject(new Error("database or disk is full"));

test("whoever asks while a break is being written again is not told that all are", async () => {
  const answers: (() => Promise<void>)[] = [full];
  const { history, keeping } = keepingFor(() => answers.shift()?.() ?? Promise.resolve());
  keeping.keepEvent(slept);
  await keeping.settled();
  const writing = Promise.withResolvers<void>();
  answers.push(() => writing.promise, full);
  const told = [keeping.toldAllBreaks(), keeping.toldAllBreaks()];
  writing.reject(new Error("database or disk is full"));
  expect(await Promise.all(told)).toEqual([false, false]);
  expect(await keeping.toldAllBreaks()).toBe(true);
  expect(history.events).toEqual([slept]);
});

test("the next run finds a sleep that was not written, though a later one was", async () => {
  const { history, keeping } = keepingFor((event) => (event === slept ? full() : Promise.resolve()));
  for (const event of [slept, sleptAgain]) keeping.keepEvent(event);
  await keeping.settled();
  await keeping.toldAllBreaks();
  expect(history.events).toEqual([sleptAgain]);
  expect(await history.bootSeen("boot")).toBeNull();
});

test("a break that could not be written is tried once more at the end", async () => {
  const answers = [full];
  const { history, keeping } = keepingFor(() => answers.shift()?.() ?? Promise.resolve());
  keeping.keepEvent(contradicted);
  await keeping.settled();
  await keeping.close();
  expect(history.events).toEqual([contradicted]);
});
