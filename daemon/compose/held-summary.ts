import type { Language } from "../base/language.ts";
import type { HeldScanCounts } from "../forward/held-scans.ts";
import { heldWords } from "../forward/held-words.ts";

/** That scans wait while others are registered, and why; else `null`. */
export async function summariseHeld(
  language: Language,
  store: HeldScanCounts,
  failingAlone: readonly number[],
): Promise<string | null> {
  if (failingAlone.length === 0) return null;
  const { failing, behind } = await store.heldScans(failingAlone);
  if (failing === 0) return null;
  const words = heldWords[language];
  return [words.failing(failing), ...(behind === 0 ? [] : [words.behind(behind)])].join("\n");
}
