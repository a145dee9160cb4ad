import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readUnderVoltage } from "./supply-voltage.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "badged-sys-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function sensor(directory: string, name: string, alarm: string | null): void {
  const folder = join(root, "class/hwmon", directory);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "name"), `${name}\n`);
  if (alarm !== null) writeFileSync(join(folder, "in0_lcrit_alarm"), `${alarm}\n`);
}

test.each([
  ["too low", "1", true],
  ["as it should be", "0", false],
  ["not told", null, null],
])("a supply voltage that is %s", (_, alarm, expected) => {
  sensor("hwmon0", "cpu_thermal", "1");
  sensor("hwmon1", "rpi_volt", alarm);
  expect(readUnderVoltage(root)).toBe(expected);
});

test("a box without the sensor says nothing", () => {
  expect(readUnderVoltage(root)).toBe(null);
});
