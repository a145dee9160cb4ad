/** Makes a test disk in FOLDER, says so, and waits to be killed: `node own-a-disk.ts FOLDER`. */
import { once } from "node:events";
import { present } from "../../base/assert.ts";
import { systemTime } from "../../base/system-time.ts";
import { createTestDisk, diskSizeMinMiB } from "./test-disk.ts";

const directory = present(process.argv[2], "FOLDER is given");
await using disk = await createTestDisk({ directory, sizeMiB: diskSizeMinMiB, time: systemTime });
process.send?.(disk.mountPoint);
await once(process, "disconnect");
