import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../testing/store-fixture.ts";
import { UsedEpoch } from "./used-epoch.ts";

test("the latest epoch is kept, and only ever grows", () => {
  using directory = temporaryDirectory();
  const database = join(directory.path, "badged.sqlite");
  const used = new UsedEpoch(database);
  expect(used.latest).toBe(0);
  used.keep(3);
  used.keep(2);
  expect([used.latest, new UsedEpoch(database).latest]).toEqual([3, 3]);
});

test("one that is there and may not be read is not taken for none, nor written over", () => {
  using directory = temporaryDirectory();
  // Root may read all, but no folder as a file.
  mkdirSync(join(directory.path, "evidence-epoch"));
  const used = new UsedEpoch(join(directory.path, "badged.sqlite"));
  expect(() => used.latest).toThrow("EISDIR");
  expect(() => used.keep(1)).toThrow("EISDIR");
});
