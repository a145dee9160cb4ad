import type { Configuration } from "../../config/configuration.ts";
import type { StoreSettings } from "../store/store.ts";

export function storeSettings(configuration: Configuration, mode: StoreSettings["mode"]): StoreSettings {
  const { directory, maxScans, alarmAtScans, keepRegisteredMs } = configuration.store;
  return {
    directory,
    maxScans,
    alarmFraction: alarmAtScans / maxScans,
    doubleScanMs: configuration.intake.doubleScanMs,
    keepSettledMs: keepRegisteredMs,
    mode,
  };
}
