import { expect, test } from "vitest";
import { offlineOf } from "./offline.ts";

test.each([
  [Object.assign(new Error("stat"), { code: "ENOENT" }), "not-found"],
  [Object.assign(new Error("stat"), { code: "ENOTDIR" }), "not-found"],
  [new Error("Error: No such file or directory, cannot open /dev/badge"), "not-found"],
  [new Error("Error: No such device or address, cannot open /dev/badge"), "not-found"],
  [new Error("Error: Permission denied, cannot open /dev/badge"), "permission"],
  [new Error("Error Resource temporarily unavailable Cannot lock port"), "busy"],
  [new Error("Error: Device or resource busy, cannot open /dev/badge"), "busy"],
  [new Error("Error: Input/output error, cannot flush"), "failed"],
  ["something else", "failed"],
])("%s: %s", (error, reason) => {
  const offline = offlineOf(error, "/dev/badge");
  expect(offline.reason).toBe(reason);
  expect(offline.detail).toContain("/dev/badge");
});
