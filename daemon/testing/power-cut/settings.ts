import { join } from "node:path";
import type { StoreSettings } from "../../store/store-settings.ts";

export function powerCutStoreFolder(mountPoint: string): string {
  return join(mountPoint, "store");
}

export function powerCutSettings(directory: string): StoreSettings {
  return {
    directory,
    maxScans: 1_000_000,
    alarmFraction: 0.8,
    doubleScanMs: 60_000,
    keepSettledMs: 35 * 24 * 60 * 60 * 1000,
    mode: "daemon",
  };
}
