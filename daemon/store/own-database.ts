import { BadgedError } from "../base/errors.ts";
import { applicationId, type Connection } from "./connection.ts";
import { schemaVersion, versionOf } from "./schema.ts";
import { StoreError } from "./store-error.ts";

/**
 * @throws BadgedError `store-undecided` when it is another program's, `store-newer`; neither is touched
 * @throws StoreError `corrupt` when it is badged's and has lost the mark of it
 */
export function refuseForeignOrNewer(connection: Pick<Connection, "db" | "file">): void {
  const { db, file } = connection;
  const isNamed = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").pluck();
  if (db.pragma("application_id", { simple: true }) !== applicationId) {
    if (isNamed.get("scan_counts") === 1) throw new StoreError("corrupt", "the database has lost badged's mark");
    throw new BadgedError(
      "store-undecided",
      `${file} is a database of another program`,
      "give badged a directory of its own",
    );
  }
  if (versionOf(connection) <= schemaVersion) return;
  throw new BadgedError(
    "store-newer",
    `the store at ${file} has schema version ${versionOf(connection)}, newer than this badged's ${schemaVersion}`,
    "install the badged that made it, or a newer one; the store has not been touched",
  );
}
