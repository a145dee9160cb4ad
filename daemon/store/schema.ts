import Sqlite from "better-sqlite3";
import { applicationId, type Connection } from "./connection.ts";
import { scans } from "./migrations/001-scans.ts";
import { clock } from "./migrations/002-clock.ts";
import { outages } from "./migrations/003-outages.ts";
import { evidence } from "./migrations/004-evidence.ts";
import { doubts } from "./migrations/005-doubts.ts";
import { workerKinds } from "./migrations/006-worker-kinds.ts";
import { remarks } from "./migrations/007-remarks.ts";
import { callCounts } from "./migrations/008-call-counts.ts";
import { lateDoubles } from "./migrations/009-late-doubles.ts";
import { badgesReadAgain } from "./migrations/010-badges-read-again.ts";
import { datedDoubles } from "./migrations/011-dated-doubles.ts";

/** Forward only: number n of this list brings a database from version n − 1 to n. What is here is never altered. */
const migrations: readonly string[] = [
  scans,
  clock,
  outages,
  evidence,
  doubts,
  workerKinds,
  remarks,
  callCounts,
  lateDoubles,
  badgesReadAgain,
  datedDoubles,
];

/** The version of the schema that this code reads and writes. */
export const schemaVersion: number = migrations.length;

export function versionOf(connection: Pick<Connection, "db">): number {
  return Number(connection.db.pragma("user_version", { simple: true }));
}

/** Applies what is missing, each step in a transaction of its own and then told; `storeId` names a database that is new. */
export function migrate(connection: Connection, storeId: string, progressed: () => void = () => {}): void {
  for (const [index, sql] of migrations.entries()) {
    if (index < versionOf(connection)) continue;
    connection.transact(() => {
      connection.db.exec(sql);
      if (index === 0) connection.db.prepare("INSERT INTO store (id, store_id) VALUES (1, ?)").run(storeId);
      connection.db.pragma(`application_id = ${applicationId}`);
      connection.db.pragma(`user_version = ${index + 1}`);
    });
    progressed();
  }
}

/** Whether every table, index and trigger is there as the migrations made it. */
export function isSchemaWhole(connection: Connection): boolean {
  const model = new Sqlite(":memory:");
  try {
    for (const sql of migrations) model.exec(sql);
    return JSON.stringify(definitionsOf(model)) === JSON.stringify(definitionsOf(connection.db));
  } finally {
    model.close();
  }
}

function definitionsOf(db: Sqlite.Database): readonly string[] {
  return db
    .prepare<[], string>("SELECT type || ' ' || name || ' ' || sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY 1")
    .pluck()
    .all();
}
