import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../testing/store-fixture.ts";
import { makeFolder } from "./folders.ts";

test("what is missing is made, for the owner alone, and what is there stays", () => {
  using directory = temporaryDirectory();
  const folder = join(directory.path, "a", "b", "c");
  expect(makeFolder(folder)).toBe(true);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(makeFolder(folder)).toBe(false);
});

test("where no folder can be made, that is said at once", () => {
  using directory = temporaryDirectory();
  const file = join(directory.path, "file");
  writeFileSync(file, "");
  expect(() => makeFolder(join(file, "below"))).toThrow(/ENOTDIR/);
  expect(() => makeFolder("/proc/badged/store")).toThrow(/ENOENT/);
  expect(existsSync("/proc/badged")).toBe(false);
});
