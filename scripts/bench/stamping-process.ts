import { writeFileSync } from "node:fs";
import { keepAlive } from "../../daemon/base/system-time.ts";
import { type Servers, takeStamps } from "./stamping.ts";

/** Takes stamps in a process of its own, for a system clock that is stepped under it. */
const [servers = "", count = "", file = ""] = process.argv.slice(2);
using _alive = keepAlive();
writeFileSync(file, JSON.stringify(await takeStamps(JSON.parse(servers) as Servers, Number(count))));
