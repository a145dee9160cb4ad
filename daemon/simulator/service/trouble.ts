import type { WallMs } from "../../base/time.ts";
import type { RemarkCode } from "./registration.ts";

/** Remarks that tell of the service's own trouble. */
export type TroubleCode = 33 | 34 | 35;

/** Registrations received from `fromMs` on and before `untilMs` carry the remark until the next night. */
export type Trouble = { readonly code: TroubleCode; readonly fromMs: WallMs; readonly untilMs: WallMs };

/** Longest list; an old one has had its night long ago. */
export const troublesMax = 100;

const dayMs = 24 * 60 * 60 * 1000;

/** "Often solved the next night": at this hour UTC the simulator has caught up with what it could not compute. */
export const nightHourUtc = 2;

export function troubleRemarks(receivedMs: WallMs, now: WallMs, troubles: readonly Trouble[]): readonly RemarkCode[] {
  const codes = new Set<RemarkCode>();
  for (const { code, fromMs, untilMs } of troubles) {
    if (receivedMs >= fromMs && receivedMs < untilMs && now < nightAfter(receivedMs)) codes.add(code);
  }
  return [...codes].toSorted((one, other) => one - other);
}

/** What the service did not check it does not remark either: 33 says that nobody looked whether the employer is in the declaration. */
export function withoutUncomputed(
  lookedUp: readonly RemarkCode[],
  troubled: readonly RemarkCode[],
): readonly RemarkCode[] {
  return troubled.includes(33) ? lookedUp.filter((code) => code !== 12 && code !== 17) : lookedUp;
}

function nightAfter(moment: number): number {
  const hourMs = nightHourUtc * 60 * 60 * 1000;
  return Math.floor((moment - hourMs) / dayMs) * dayMs + dayMs + hourMs;
}
