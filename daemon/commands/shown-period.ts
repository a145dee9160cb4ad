import { utcText } from "../base/system-time.ts";
import { wallMs } from "../base/time.ts";
import type { GatheredLog, Wanted } from "../evidence/bundle/gather.ts";
import type { Period } from "./period.ts";
import type { Terminal } from "./terminal.ts";

/**
 * The part of a period that one epoch of the log can tell of; `null` for a window. Where it began later than the period,
 * the outages of before are in the epoch before it: a report of the whole period would say that there were none.
 */
export function shownPeriod(
  wanted: Wanted,
  { epoch, beganMs }: Pick<GatheredLog, "epoch" | "beganMs">,
  terminal: Pick<Terminal, "err">,
): Period | null {
  if (wanted.kind === "window") return null;
  const [from, to] = [wallMs(wanted.fromMs), wallMs(wanted.toMs)];
  if (epoch === 1 || beganMs === null || beganMs <= from || beganMs >= to) return { from, to };
  const began = wallMs(beganMs);
  terminal.err(
    `the log began anew at ${utcText(began)} (epoch ${epoch}), and this tells nothing of the time before: --to ${utcText(began)} shows that`,
  );
  return { from: began, to };
}
