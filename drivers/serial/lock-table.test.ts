import { expect, test } from "vitest";
import { namesLock } from "./lock-table.ts";

const table = `1: FLOCK  ADVISORY  WRITE 8767 00:1a:4 0 EOF
2: POSIX  ADVISORY  WRITE 612 08:01:131090 128 128
3: FLOCK  ADVISORY  WRITE 700 103:02:77 0 EOF
3: -> FLOCK  ADVISORY  WRITE 701 00:1a:9 0 EOF
`;

test.each([
  ["locked", 0x1an, 4n, true],
  ["another file", 0x1an, 5n, false],
  ["another file system", 0x1bn, 4n, false],
  ["a lock of another kind", 0x801n, 131_090n, false],
  ["a device number above 255", 0x1_0302n, 77n, true],
  ["waited for alone", 0x1an, 9n, false],
])("%s", (_what, dev, ino, is) => {
  expect(namesLock(table, { dev, ino })).toBe(is);
});

test("an empty table names nothing", () => {
  expect(namesLock("", { dev: 0x1an, ino: 4n })).toBe(false);
});
