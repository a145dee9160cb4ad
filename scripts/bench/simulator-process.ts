/** The service's simulator in a process of its own, so that it takes no time from what is measured. Tells its parent the url. */
import { silentLog } from "../../daemon/base/log.ts";
import { systemTime } from "../../daemon/base/system-time.ts";
import { startServiceSimulator } from "../../daemon/simulator/service/service-simulator.ts";

const simulator = await startServiceSimulator({ port: 0, log: silentLog, time: systemTime });
process.on("message", (order) => {
  if (order === "forget") simulator.forget();
  process.send?.({ count: simulator.registrations().length });
});
process.on("disconnect", () => void simulator[Symbol.asyncDispose]());
process.send?.({ url: simulator.url });
