import type { StoreSettings } from "./store-settings.ts";

/**
 * - `normal`: there is room.
 * - `alarm`: well before the limit; someone should see why scans are not sent.
 * - `full`: at the limit; scans are refused at the reader.
 */
export type FillLevel = "normal" | "alarm" | "full";

export function fillLevelOf(rows: number, limits: Pick<StoreSettings, "maxScans" | "alarmFraction">): FillLevel {
  if (rows >= limits.maxScans) return "full";
  return rows >= limits.maxScans * limits.alarmFraction ? "alarm" : "normal";
}
