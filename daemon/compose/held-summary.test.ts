import { expect, test } from "vitest";
import { languages } from "../base/language.ts";
import { summariseHeld } from "./held-summary.ts";

const counting = (failing: number, behind: number) => ({ heldScans: async () => ({ failing, behind }) });

test("the supervisor reads how many scans wait while others go through, and how many wait behind them", async () => {
  expect(await summariseHeld("en", counting(2, 1), [4, 7])).toBe(
    "Scans still to be sent on which calls to the service fail, while others go through: 2. Each is tried again by itself.\nLater scans of the same workers that wait behind them: 1.",
  );
  expect(await summariseHeld("en", counting(2, 0), [4, 7])).not.toContain("behind");
});

test("there is nothing to say where calls fail on none, or those on which they did are settled", async () => {
  expect(await summariseHeld("en", counting(2, 1), [])).toBeNull();
  expect(await summariseHeld("en", counting(0, 0), [4])).toBeNull();
});

test.each(languages)("a scan that waits is called no registration in %s", async (language) => {
  const text = await summariseHeld(language, counting(2, 1), [4]);
  expect(text).not.toMatch(/regist|erfasst|enregistr/i);
});
