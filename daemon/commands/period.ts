import { BadgedError } from "../base/errors.ts";
import { parseUtcText } from "../base/system-time.ts";
import type { WallMs } from "../base/time.ts";

/** `--from` and `--to` as they were typed. */
export type PeriodOptions = { readonly from?: string; readonly to?: string };

/** From one moment on, up to and without another; `null` where nothing bounds it. */
export type Period = { readonly from: WallMs | null; readonly to: WallMs | null };

/** @throws BadgedError `usage` when one is no moment with its zone, or they bound nothing */
export function readPeriod(options: PeriodOptions): Period {
  const from = readMoment("--from", options.from);
  const to = readMoment("--to", options.to);
  if (from !== null && to !== null && from >= to) {
    const message = `--from ${options.from} is not before --to ${options.to}, so nothing lies between them`;
    throw new BadgedError("usage", message, "give the earlier moment as --from");
  }
  return { from, to };
}

function readMoment(option: string, text: string | undefined): WallMs | null {
  if (text === undefined) return null;
  const moment = parseUtcText(text);
  if (moment !== null) return moment;
  const advice = "write it as 2026-01-31T06:00:00Z or 2026-01-31T07:00:00+01:00";
  throw new BadgedError("usage", `${option}: ${text} is no moment with its zone`, advice);
}
