import { expect, test } from "vitest";
import {
  at,
  dayMs,
  draftOf,
  entryOf,
  minuteMs,
  noon,
  preparedCore,
  recordId,
  registerDue,
  rosterOf,
  storeSettings,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import type { StoreCore } from "./store-core.ts";

const day = dayMs / minuteMs;

function resolveAll(core: StoreCore): void {
  while (core.resolveUnknown(200).more);
}

/** A worker's new badge is in the roster ten days late; meanwhile he also used his old one, whose scans are erased. */
function morningAndEvening(isErased: boolean): readonly unknown[] {
  using directory = temporaryDirectory();
  using core = preparedCore(storeSettings(directory.path), rosterOf(1, 2));
  const morning = recordId(core, draftOf(7, 0));
  const evening = recordId(core, draftOf(7, 8 * 60));
  recordId(core, draftOf(1, day));
  registerDue(core, at(day + 1));
  recordId(core, draftOf(2, day + 2));
  if (isErased) while (core.eraseSlice(at(9 * day)).more);
  core.replaceRoster([entryOf(1), entryOf(2), entryOf(7, { ssin: entryOf(1).ssin })], "second badge", noon);
  resolveAll(core);
  return [core.show(morning)?.direction, core.show(evening)?.direction];
}

test("morning is IN and evening is OUT while the later scans are there", () => {
  expect(morningAndEvening(false)).toEqual(["in", "out"]);
});

test("and also once the worker's later scans were erased", () => {
  expect(morningAndEvening(true)).toEqual(["in", "out"]);
});
