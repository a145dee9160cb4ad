import { expect, test } from "vitest";
import { StoreError } from "../store/store-error.ts";
import { recordingLog } from "../testing/store-fixture.ts";
import { rereadBadgesAtStart } from "./badges-at-start.ts";

const readings = [{ id: "gate", encoding: "hex", byteOrder: "msb" }] as const;

test("what was read again is told, and nothing when there was nothing", async () => {
  const log = recordingLog();
  for (const count of [0, 3]) await rereadBadgesAtStart(readings, "hex", { rereadBadges: async () => count }, log);
  expect(log.lines.map(({ fields }) => fields)).toEqual([{ count: 3 }]);
});

test("what passes lets badged start, a damaged store does not", async () => {
  const log = recordingLog();
  const failing = (code: "disk-full" | "busy" | "corrupt") => ({
    rereadBadges: () => Promise.reject(new StoreError(code, "no")),
  });
  await rereadBadgesAtStart(readings, "hex", failing("disk-full"), log);
  await rereadBadgesAtStart(readings, "hex", failing("busy"), log);
  expect(log.lines).toHaveLength(2);
  await expect(rereadBadgesAtStart(readings, "hex", failing("corrupt"), log)).rejects.toThrow("no");
});
