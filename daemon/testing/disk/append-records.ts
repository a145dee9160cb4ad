/**
 * A program as the tests of the test disk need one: appends numbered records to FILE and acknowledges each over its
 * IPC channel, after an fdatasync or, to show what that is for, without: `node append-records.ts FILE COUNT synced|unsynced`.
 */
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { present } from "../../base/assert.ts";

const [path, count, mode] = process.argv.slice(2);
const file = openSync(present(path, "FILE is given"), "a");
for (let record = 0; record < Number(count); record++) {
  writeSync(file, `record ${record}\n`);
  if (mode === "synced") fdatasyncSync(file);
  process.send?.(record);
}
closeSync(file);
process.disconnect?.();
