/**
 * The service's simulator in a process of its own, as the service is. Tells its parent the url, then takes orders: `forget`
 * what was registered, answer in pieces (`slow`), `count` the registrations. Each is answered by their number.
 */
import { silentLog } from "../../daemon/base/log.ts";
import { systemTime } from "../../daemon/base/system-time.ts";
import { startServiceSimulator } from "../../daemon/simulator/service/service-simulator.ts";

const simulator = await startServiceSimulator({ port: 0, log: silentLog, time: systemTime });
process.on("message", async (order) => {
  if (order === "forget") simulator.forget();
  if (order === "slow") await simulator.setFault({ kind: "slow", bytesPerChunk: 8192, everyMs: 5 });
  process.send?.({ count: simulator.registrations().length });
});
process.on("disconnect", () => void simulator[Symbol.asyncDispose]());
process.send?.({ url: simulator.url });
