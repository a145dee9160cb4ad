import { expect, test } from "vitest";
import {
  draftOf,
  entryOf,
  noon,
  preparedCore,
  recordId,
  rosterOf,
  storeSettings,
  temporaryDirectory,
} from "../testing/store-fixture.ts";

const second = entryOf(7, { ssin: entryOf(1).ssin });

test("a scan made right after the import with the other badge has the strangers of all of the worker's badges as its past", () => {
  using directory = temporaryDirectory();
  using core = preparedCore(storeSettings(directory.path), rosterOf(1));
  const morning = recordId(core, draftOf(7, 0));
  core.replaceRoster([entryOf(1), second], "second badge", noon);
  const evening = recordId(core, draftOf(1, 8 * 60));
  while (core.resolveUnknown(200).more);
  expect([morning, evening].map((id) => core.show(id)?.direction)).toEqual(["in", "out"]);
});
