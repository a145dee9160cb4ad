import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { thisBox } from "./surroundings.ts";

const folder = mkdtempSync(join(tmpdir(), "badged-box-"));
afterAll(() => rmSync(folder, { recursive: true }));
const box = thisBox({});

test("a by-id link and the device behind it are one device", () => {
  writeFileSync(join(folder, "ttyUSB0"), "");
  symlinkSync("ttyUSB0", join(folder, "by-id"));
  expect(box.deviceOf(join(folder, "by-id"))).toBe(box.deviceOf(join(folder, "ttyUSB0")));
});

test("a device that is not plugged in is its path", () => {
  expect(box.deviceOf("/dev/nowhere/reader")).toBe("/dev/nowhere/reader");
});

test.each([
  ["ttyUSB0", "readable"],
  ["nowhere", "missing"],
  ["ttyUSB0/below-a-file", "missing"],
  [".", "no-file"],
  ["with\0nul", "unreadable"],
] as const)("%j is %s", (name, state) => {
  writeFileSync(join(folder, "ttyUSB0"), "");
  expect(box.fileState(`${folder}/${name}`)).toBe(state);
});

test("the unit's credentials come from the environment, an empty one is none", () => {
  expect(thisBox({ CREDENTIALS_DIRECTORY: "/run/credentials/badged" }).credentialsDirectory).toBe(
    "/run/credentials/badged",
  );
  expect(thisBox({ CREDENTIALS_DIRECTORY: "" }).credentialsDirectory).toBeNull();
});
