import type { Configuration } from "../../config/configuration.ts";
import { silentLog } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import { storeSettings } from "../compose/store-settings.ts";
import { Store } from "../store/store.ts";
import { visitedConfiguration } from "./configuration.ts";

/** A site's store beside its running daemon, for as long as a command needs it. */
export type VisitedSite = AsyncDisposable & {
  readonly store: Store;
  readonly storeDirectory: string;
  readonly timeZone: string;
  readonly language: Configuration["outage"]["language"];
  readonly supplier: Configuration["supplier"];
};

export async function visitStore(configurationFile: string): Promise<VisitedSite> {
  const configuration = visitedConfiguration(configurationFile);
  const store = await Store.open(storeSettings(configuration, "visitor"), { time: systemTime, log: silentLog });
  const { site, outage, supplier } = configuration;
  return {
    store,
    storeDirectory: configuration.store.directory,
    timeZone: site.timeZone,
    language: outage.language,
    supplier,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}
