import { expect, test } from "vitest";
import { wallMs } from "../base/time.ts";
import {
  claimRequest,
  draftOf,
  noon,
  preparedCore,
  recordId,
  registered,
  rosterOf,
  storeSettings,
  temporaryDirectory,
} from "../testing/store-fixture.ts";

test("later scans of the workers wait behind those on which calls fail, and settled ones hold up nobody", () => {
  using directory = temporaryDirectory();
  using core = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3));
  const settled = recordId(core, draftOf(3, 0));
  const { claim } = core.claim(claimRequest());
  const report = { outcome: "answered", httpStatus: 200, relatedTraceId: null, detail: "", endedAt: noon } as const;
  core.settle(claim?.attemptId ?? 0, report, [registered(settled)]);
  const before = recordId(core, draftOf(1, 30));
  const [failing, alsoFailing] = [recordId(core, draftOf(1, 60)), recordId(core, draftOf(2, 60))];
  recordId(core, draftOf(3, 60));
  recordId(core, draftOf(1, 90));
  recordId(core, draftOf(2, 90));
  recordId(core, draftOf(2, 120));
  expect(core.heldScans([])).toEqual({ failing: 0, behind: 0 });
  expect(core.heldScans([settled, 999])).toEqual({ failing: 0, behind: 0 });
  expect(core.heldScans([settled, failing, alsoFailing])).toEqual({ failing: 2, behind: 3 });
  expect(core.heldScans([before, failing])).toEqual({ failing: 2, behind: 1 });
  core.claim(claimRequest({ limit: 1, now: wallMs(noon + 3 * 60 * 60_000) }));
  expect(core.heldScans([before])).toEqual({ failing: 1, behind: 2 });
});
