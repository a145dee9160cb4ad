import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import { openCore, storeSettings, temporaryDirectory } from "../testing/store-fixture.ts";
import { applicationId } from "./connection.ts";
import { scans } from "./migrations/001-scans.ts";
import { clock } from "./migrations/002-clock.ts";
import { outages } from "./migrations/003-outages.ts";
import { evidence } from "./migrations/004-evidence.ts";
import { doubts } from "./migrations/005-doubts.ts";
import { workerKinds } from "./migrations/006-worker-kinds.ts";
import { remarks } from "./migrations/007-remarks.ts";

/** A database as it was before samples of the evidence log were shortened. */
function before(file: string, fill: (db: Sqlite.Database) => void): void {
  const db = new Sqlite(file);
  for (const sql of [scans, clock, outages, evidence, doubts, workerKinds, remarks]) db.exec(sql);
  db.exec("INSERT INTO store (id, store_id) VALUES (1, 'before')");
  db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = 7`);
  fill(db);
  db.close();
}

test("a log from before goes on, line for line, and nothing that was kept can be changed", () => {
  using directory = temporaryDirectory();
  const file = join(directory.path, "badged.sqlite");
  before(file, (db) => {
    const add = db.prepare("INSERT INTO evidence_records (id, kind, erasable_at, line) VALUES (?, ?, ?, ?)");
    add.run(2 ** 40, "start", null, '{"kind":"start"}');
    add.run(2 ** 40 + 1, null, 5, '{"kind":"sample"}');
    db.exec("INSERT INTO evidence_checkpoints (id, note, roots) VALUES ((1 << 40) + 2, 'note', zeroblob(32))");
  });
  using core = openCore(storeSettings(directory.path));
  const batch = { epoch: 1, checkpoint: null, anchors: [], salts: [], erase: [] };
  const next = [{ kind: "start", line: '{"kind":"start","seq":2}', erasableAt: null }] as const;
  expect(core.commitEvidence({ ...batch, from: 2, records: next })).toBe("committed");
  expect(core.evidenceRecords(1, 0, 10)).toEqual([
    { kind: "whole", seq: 0, line: '{"kind":"start"}' },
    { kind: "whole", seq: 1, line: '{"kind":"sample"}' },
    { kind: "whole", seq: 2, line: '{"kind":"start","seq":2}' },
  ]);
  expect(core.lastEvidenceOf("start")).toBe('{"kind":"start","seq":2}');
  const db = new Sqlite(file);
  expect(() => db.exec("UPDATE evidence_records SET line = 'x'")).toThrow("never changed");
  expect(() => db.exec("DELETE FROM evidence_records WHERE kind IS NULL")).toThrow("never deleted");
  db.close();
});
