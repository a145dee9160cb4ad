import { schedule } from "node-cron";
import type { Log } from "./base/log.ts";

/** When nobody badges, also on sites that work in shifts: half past three in the site's own time zone. */
export const maintenanceCron: string = "30 3 * * *";

/** Erases at night what is no longer needed. A night that fails is logged and made up for by the next. */
export function startMaintenance(
  timeZone: string,
  maintain: () => Promise<void>,
  ports: { readonly log: Log },
): AsyncDisposable {
  const task = schedule(
    maintenanceCron,
    async () => {
      try {
        await maintain();
      } catch (error) {
        ports.log.error({ err: error }, "nightly clean-up failed, the next night makes up for it");
      }
    },
    { timezone: timeZone, noOverlap: true },
  );
  return {
    [Symbol.asyncDispose]: async () => {
      await task.destroy();
    },
  };
}
