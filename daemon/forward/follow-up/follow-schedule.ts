import { type WallMs, wallMs } from "../../base/time.ts";
import { zonedText } from "../../base/zoned-time.ts";
import type { FollowEnding, FollowedRegistration, KeptLook, Look, LookKind } from "./follow-up.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/**
 * From one look to the next while a registration is pending; the last one again and again. The first is also in the
 * migration's trigger, which begins the following. How long the service takes is not published: early looks find what is
 * wrong while people are still on the site, late ones cost little.
 */
export const lookIntervalsMs: readonly number[] = [5 * minuteMs, 15 * minuteMs, hourMs, 6 * hourMs, 12 * hourMs, dayMs];

/** A registration that is still pending this long after it was made is no longer asked for. */
export const followForMs: number = 10 * dayMs;

/** The service computes 33 to 35 again by night ("vaak is dit probleem de volgende nacht opgelost"): it is over by then. */
const nightEndsAtHour = "05";

/** A night that ends sooner than this after the service settled may have begun before. */
const nightMinMs = 6 * hourMs;

/**
 * Looks that say nothing of the registration: it stays due, for they are not about it. That one is `forbidden` may be about
 * its employer only, so it is put off like one on which the service breaks.
 */
const aboutUs: readonly LookKind[] = ["not-to-be-had", "unauthorised", "throttled", "not-reached", "interrupted"];

/**
 * What a look means for the registration; `null` when it says nothing of it.
 *
 * A look that failed at the service counts, and puts this registration off as one that found it pending does: one on
 * which the service breaks must not stand before all others for ever.
 */
export function afterLook(followed: FollowedRegistration, look: Look, now: WallMs, timeZone: string): KeptLook | null {
  if (aboutUs.includes(look.kind)) return null;
  const { scanId, registrationId, settledAt: settledBefore } = followed;
  const validity = look.kind === "found" ? look.validity : null;
  const remarks = look.kind === "found" ? look.remarks : null;
  const kept = { scanId, registrationId, at: now, kind: look.kind, validity, remarks };
  // What is not right is settled by the remark that says why, and followed until one can be read.
  const isTold = remarks !== null || validity === "valid" || validity === "pending";
  if (look.kind === "found" && validity !== null && isTold) {
    if (validity === "pending") return { ...kept, settledAt: null, next: whilePending(followed, now) };
    if (settledBefore === null) return { ...kept, settledAt: now, next: { kind: "at", at: nightAfter(now, timeZone) } };
    return { ...kept, settledAt: settledBefore, next: ended("settled") };
  }
  // What was settled is not pending because one look failed; the night's look is made again until it succeeds.
  const next = whilePending(followed, now);
  const isOver = next.kind === "ended" && settledBefore !== null;
  return { ...kept, settledAt: settledBefore, next: isOver ? ended("settled") : next };
}

/** The end of the first night that began after `at`, by the site's clocks. */
export function nightAfter(at: WallMs, timeZone: string): WallMs {
  const from = Math.ceil((at + nightMinMs) / hourMs) * hourMs;
  for (let hours = 0; hours < 48; hours += 1) {
    const moment = wallMs(from + hours * hourMs);
    if (zonedText(moment, timeZone).slice(11, 13) === nightEndsAtHour) return moment;
  }
  return wallMs(at + dayMs);
}

function whilePending({ createdAt, looks }: FollowedRegistration, now: WallMs): KeptLook["next"] {
  const intervalMs = lookIntervalsMs[looks + 1] ?? dayMs;
  const next = now + intervalMs;
  // A clock that was set back makes the registration younger than it is, and the following end later; never sooner.
  return next - createdAt > followForMs ? ended("given-up") : { kind: "at", at: wallMs(next) };
}

function ended(how: FollowEnding): KeptLook["next"] {
  return { kind: "ended", how };
}
