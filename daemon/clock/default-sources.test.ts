import { expect, test } from "vitest";
import { defaultSources } from "./default-sources.ts";
import { operatorsAdvised, sourcesAdvised } from "./quorum.ts";

test("the default servers are as many, of as many operators, as is advised, and one may fail", () => {
  expect(new Set(defaultSources.map(({ id }) => id)).size).toBe(defaultSources.length);
  expect(defaultSources.length).toBeGreaterThan(sourcesAdvised);
  expect(new Set(defaultSources.map(({ operator }) => operator)).size).toBeGreaterThanOrEqual(operatorsAdvised);
  expect(defaultSources.every(({ votes }) => votes)).toBe(true);
});
