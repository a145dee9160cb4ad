import { chownSync } from "node:fs";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../testing/store-fixture.ts";
import { refuseRootForOthers } from "./store-owner.ts";

const isRoot = process.getuid?.() === 0;

test("a store that is not there yet, or one's own, is anybody's to run on", () => {
  using directory = temporaryDirectory();
  refuseRootForOthers(`${directory.path}/missing`, 0);
  refuseRootForOthers(directory.path);
  refuseRootForOthers(directory.path, 1234);
});

test.skipIf(!isRoot)("root leaves no files in the store of a service's user", () => {
  using directory = temporaryDirectory();
  chownSync(directory.path, 65534, 65534);
  expect(() => refuseRootForOthers(directory.path, 0)).toThrow("belongs to another user (65534)");
  expect(() => refuseRootForOthers(directory.path, 0)).toThrow(
    expect.objectContaining({ advice: expect.stringContaining("--user 65534") }),
  );
});
