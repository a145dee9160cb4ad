import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { systemTime } from "../base/system-time.ts";
import { DummyUps, dummyUpsObstacle } from "../testing/dummy-ups.ts";
import { powerIn, readUps } from "./ups.ts";

test.each([
  ["OL", "mains"],
  ["OL CHRG", "mains"],
  ["OB DISCHRG", "battery"],
  ["OB LB", "battery"],
  ["FSD OB LB", "battery"],
  ["", "unknown"],
  ["BYPASS", "unknown"],
])("%s means %s", (status, power) => {
  expect(powerIn(status)).toBe(power);
});

test("a UPS that nobody serves, and a program that is not there, say nothing", async () => {
  expect(await readUps("ups@127.0.0.1:9")).toBe("unknown");
  expect(await readUps("ups", "/nowhere/upsc")).toBe("unknown");
});

describe.skipIf(dummyUpsObstacle !== null)("a real upsd with NUT's dummy UPS", () => {
  test("is on mains, then on battery", async () => {
    await using ups = await DummyUps.start();
    const becomes = async (power: string): Promise<void> => {
      while ((await readUps(ups.name)) !== power) await systemTime.sleep(100);
    };
    await becomes("mains");
    ups.say("OB DISCHRG");
    await becomes("battery");
    expect(spawnSync("upsc", [ups.name, "ups.status"], { encoding: "utf8" }).stdout.trim()).toBe("OB DISCHRG");
  }, 60_000);
});
