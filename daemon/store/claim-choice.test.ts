import { expect, test } from "vitest";
import {
  claimRequest,
  draftOf,
  preparedCore,
  recordId,
  rosterOf,
  storeSettings,
  temporaryDirectory,
} from "../testing/store-fixture.ts";

test("who comes after twenty thousand that wait behind those on which calls fail is sent", () => {
  using directory = temporaryDirectory();
  const workers = Array.from({ length: 400 }, (_, index) => index + 1);
  const other = workers.length + 1;
  using core = preparedCore(storeSettings(directory.path), rosterOf(...workers, other));
  const rounds = 51;
  for (let round = 0; round < rounds; round += 1) core.record(workers.map((worker) => draftOf(worker, 2 * round)));
  const expected = recordId(core, draftOf(other, 2 * rounds));
  const { claim } = core.claim(claimRequest({ apart: workers, isApartResting: true }));
  expect(claim?.scans.map(({ scanId }) => scanId)).toEqual([expected]);
});
