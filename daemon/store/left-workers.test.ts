import { expect, test } from "vitest";
import { wallMs } from "../base/time.ts";
import {
  at,
  claimSome,
  draftOf,
  preparedCore,
  recordId,
  rosterOf,
  storeSettings,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { Connection } from "./connection.ts";
import { DatabaseFiles } from "./database-files.ts";
import { LeftWorkers } from "./left-workers.ts";

test("a worker who is back when his number would be erased keeps his scan", () => {
  using directory = temporaryDirectory();
  using core = preparedCore(storeSettings(directory.path), rosterOf(1, 2));
  const scanId = recordId(core, draftOf(1, 0));
  const { attemptId } = claimSome(core, { now: at(1) });
  const report = { outcome: "answered", httpStatus: 200, relatedTraceId: null, detail: "", endedAt: at(1) } as const;
  core.settle(attemptId, report, [{ kind: "refused", scanId, reason: "not his employer" }]);
  core.replaceRoster(rosterOf(2), "left", at(2));
  using connection = Connection.open(new DatabaseFiles(directory.path).file);
  const left = new LeftWorkers(connection);
  const before = wallMs(at(3));
  // Another process imports the roster between the look and the write.
  core.replaceRoster(rosterOf(1, 2), "back", at(2));
  expect(connection.transact(() => left.part(scanId, before))).toBe(false);
  expect(core.show(scanId)).toMatchObject({ reason: "not his employer", workerReference: "R1" });
  core.replaceRoster(rosterOf(2), "left again", at(2));
  expect(connection.transact(() => left.part(scanId, before))).toBe(true);
});
