import { type WallMs, wallMs } from "../base/time.ts";

/**
 * Remark 32: the service raises it when (receipt − registration) reaches its limit, or when a registration lies in
 * its future. Both are judged by its clock. A stamp is never altered to fit; what does not fit is withheld.
 */

/** What lies between the prediction and the receipt: a slow call, and a clock a little off. */
export const receiptMarginMinMs: number = 5_000;
export const receiptMarginFraction: number = 0.1;

/** φ: the service's clock − our estimate of UTC, proven to lie in [loMs, hiMs]. */
export type ServicePhi = { readonly loMs: number; readonly hiMs: number };

/** φ while the service has not told its time: a service further off than this would remark everybody's registrations. */
export const assumedPhi: ServicePhi = { loMs: -2_000, hiMs: 2_000 };

/** By what scans are judged before they leave, one moment for all of a call. */
export type ReceiptWindow = {
  /** Our estimate of UTC, from the same clock as the stamps. */
  readonly now: WallMs;
  readonly phi: ServicePhi;
  /** From sending to receipt: the 99.9th percentile of what was measured. */
  readonly transitP999Ms: number;
  /** L; `null` while no limit is known. */
  readonly limitMs: number | null;
};

export type ReceiptQuestion = ReceiptWindow & {
  readonly stamp: { readonly utcMs: WallMs; readonly errorBoundMs: number };
};

export type ReceiptDecision =
  | { readonly kind: "send" }
  /** By the service's clock it may still be in the future, or be past the limit, and need not be: what it answers tells. */
  | { readonly kind: "wait-until"; readonly at: WallMs }
  /** Receipt would be past the limit, wherever in φ the service's clock is. */
  | { readonly kind: "withhold"; readonly predictedDelayMs: number; readonly allowedDelayMs: number };

export function due(question: ReceiptQuestion): ReceiptDecision {
  const { now, stamp, phi, transitP999Ms, limitMs } = question;
  const sinceMs = now - stamp.utcMs;
  const predictedDelayMs = sinceMs + stamp.errorBoundMs + phi.hiMs + transitP999Ms;
  // A stamp that lies in the future and cannot make the limit either is withheld at once: waiting only adds to it.
  if (limitMs !== null && predictedDelayMs >= allowedDelayMs(limitMs)) {
    const shortMs = allowedDelayMs(limitMs) - (predictedDelayMs - (phi.hiMs - phi.loMs));
    // What is withheld a person has to let go, and two wrong answers of the service would withhold all there is.
    if (shortMs > 0) return { kind: "wait-until", at: wallMs(now + shortMs) };
    return { kind: "withhold", predictedDelayMs, allowedDelayMs: allowedDelayMs(limitMs) };
  }
  if (sinceMs + phi.loMs < 0) return { kind: "wait-until", at: wallMs(stamp.utcMs - phi.loMs) };
  return { kind: "send" };
}

/** The delay below which receipt must be predicted: the limit less its margin. */
export function allowedDelayMs(limitMs: number): number {
  return limitMs - Math.max(receiptMarginMinMs, limitMs * receiptMarginFraction);
}

/** The moment from which on this scan is not sent any more: the order in which scans are urgent. */
export function deadline(question: Omit<ReceiptQuestion, "now" | "limitMs">, limitMs: number): WallMs {
  const { stamp, phi, transitP999Ms } = question;
  return wallMs(stamp.utcMs + allowedDelayMs(limitMs) - stamp.errorBoundMs - phi.hiMs - transitP999Ms);
}

/** Whether a waiting scan has used up half of the limit: time for the supervisor to know. */
export function halfwayAlarm(now: WallMs, oldestUtcMs: WallMs, limitMs: number): boolean {
  return now - oldestUtcMs >= limitMs / 2;
}

/** What the service's answers teach about a limit that is not published. */
export type LimitKnowledge = {
  /** The limit is above this: a registration this late came without remark 32. */
  readonly aboveMs: number | null;
  /** The limit is not above this: a registration this late came with remark 32. */
  readonly atMostMs: number | null;
  /** Remarks on registrations too fresh to be late: the clock is suspected, not the limit. */
  readonly clockSuspicions: number;
  /** How often an answer contradicted what was known; the older knowledge was then given up. */
  readonly contradictions: number;
};

/** A registration that the service answered. */
export type ReceiptObservation = {
  readonly utcMs: WallMs;
  /** Receipt was between these two. */
  readonly sentAt: WallMs;
  readonly answeredAt: WallMs;
  readonly phi: ServicePhi;
  readonly remark32: boolean;
  /** Whether the service has finished: while a registration is pending, remarks may still come. */
  readonly settled: boolean;
};

export const nothingKnown: LimitKnowledge = {
  aboveMs: null,
  atMostMs: null,
  clockSuspicions: 0,
  contradictions: 0,
};

/** Remark 32 sooner than this is about the badge's clock: a limit of a minute would remark every registration. */
export const plausibleLimitMinMs: number = 60_000;

export function learnLimit(known: LimitKnowledge, seen: ReceiptObservation): LimitKnowledge {
  // Of the interval that the delay lies in, the end that proves less is taken.
  if (!seen.remark32) {
    const delayMs = seen.sentAt - seen.utcMs + seen.phi.loMs;
    if (known.atMostMs !== null && delayMs >= known.atMostMs) {
      if (!seen.settled) return known;
      return { ...known, aboveMs: delayMs, atMostMs: null, contradictions: known.contradictions + 1 };
    }
    return delayMs < 0 ? known : { ...known, aboveMs: Math.max(known.aboveMs ?? 0, delayMs) };
  }
  const delayMs = seen.answeredAt - seen.utcMs + seen.phi.hiMs;
  if (delayMs < plausibleLimitMinMs) return { ...known, clockSuspicions: known.clockSuspicions + 1 };
  if (known.aboveMs !== null && delayMs <= known.aboveMs) {
    return { ...known, aboveMs: null, atMostMs: delayMs, contradictions: known.contradictions + 1 };
  }
  return { ...known, atMostMs: Math.min(known.atMostMs ?? delayMs, delayMs) };
}

/**
 * L: what the configuration says, or the smallest delay that was ever remarked. The largest delay that passed is no
 * limit: on a good network it is a few seconds, and everything after the first outage would be withheld.
 */
export function limitInForce(configuredMs: number | null, known: LimitKnowledge): number | null {
  return configuredMs ?? known.atMostMs;
}

/**
 * A delay beyond this is one of which the service has said nothing yet. What comes a little later than what passed is none:
 * a backlog takes its time, and those behind the first are not to be tried one by one.
 */
export function untriedBeyondMs({ aboveMs }: LimitKnowledge): number {
  return (aboveMs ?? 0) * (1 + receiptMarginFraction) + plausibleLimitMinMs;
}

/** The port through which what was learnt survives. */
export interface ReceiptMemory {
  receiptKnowledge(): Promise<LimitKnowledge | null>;
  keepReceiptKnowledge(knowledge: LimitKnowledge): Promise<void>;
}

/** Knowledge as it was kept; what cannot be read of it is not known. */
export function readKnowledge(kept: unknown): LimitKnowledge {
  const fields: Readonly<Record<string, unknown>> = typeof kept === "object" && kept !== null ? { ...kept } : {};
  const numberAt = (name: keyof LimitKnowledge): number | null => {
    const value = fields[name];
    return typeof value === "number" && Number.isFinite(value) ? value : null;
  };
  return {
    aboveMs: numberAt("aboveMs"),
    atMostMs: numberAt("atMostMs"),
    clockSuspicions: numberAt("clockSuspicions") ?? 0,
    contradictions: numberAt("contradictions") ?? 0,
  };
}
