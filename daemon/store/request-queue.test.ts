import { expect, test } from "vitest";
import { batchesInARowMax, batchMaxScans, RequestQueue } from "./request-queue.ts";

test("nothing waits at first", () => {
  expect(new RequestQueue<string, string>().take()).toBeNull();
});

test("scans leave together, in their order, before what waited longer", () => {
  const queue = new RequestQueue<string, string>();
  queue.addOther("claim");
  queue.addScan("a");
  queue.addScan("b");
  expect(queue.take()).toEqual({ kind: "batch", scans: ["a", "b"] });
  expect(queue.take()).toEqual({ kind: "other", other: "claim" });
  expect(queue.take()).toBeNull();
});

test("a batch has its limit", () => {
  const queue = new RequestQueue<number, string>();
  for (let scan = 0; scan < batchMaxScans + 1; scan += 1) queue.addScan(scan);
  expect(queue.take()).toMatchObject({ scans: { length: batchMaxScans } });
  expect(queue.take()).toEqual({ kind: "batch", scans: [batchMaxScans] });
});

test("a rush of scans lets another request through now and then", () => {
  const queue = new RequestQueue<string, string>();
  queue.addOther("claim");
  const taken: string[] = [];
  for (let turn = 0; turn <= batchesInARowMax; turn += 1) {
    queue.addScan("scan");
    taken.push(queue.take()?.kind ?? "none");
  }
  expect(taken.indexOf("other")).toBe(batchesInARowMax);
  expect(queue.take()).toMatchObject({ kind: "batch" });
});

test("draining leaves nothing", () => {
  const queue = new RequestQueue<string, string>();
  queue.addScan("a");
  queue.addOther("claim");
  expect(queue.drain()).toEqual({ scans: ["a"], others: ["claim"] });
  expect(queue.take()).toBeNull();
});
