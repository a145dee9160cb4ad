import type { Time } from "../base/time.ts";
import { delayNs, judgeExchange, type Rejection, type Sample } from "./ntp-exchange.ts";
import type { NtpAddress, NtpReply, NtpTransport } from "./ntp-transport.ts";
import type { UtcNs } from "./utc.ts";

/** Why a source gave nothing usable. */
export type SourceFailure =
  | Rejection
  | { readonly kind: "silent"; readonly waitedMs: number }
  | { readonly kind: "failed"; readonly code: string }
  /** The server of another source under another name: it has one vote. */
  | { readonly kind: "same-server"; readonly as: string };

export type SourceAnswer =
  /** `address`: of the server; `null` when nobody tells. */
  | { readonly kind: "sample"; readonly sample: Sample; readonly address: string | null }
  | { readonly kind: "unusable"; readonly why: SourceFailure };

export type Burst = {
  readonly requests: number;
  readonly spacingMs: number;
  /** As in `eraPivot`. */
  readonly pivot: UtcNs;
};

/** RFC 5905 appendix A.1.1: two seconds between the requests of a burst. */
export const burstSpacingMs: number = 2000;

/** Asks one source a few times in a row. A kiss-o'-death or a dead network ends the burst. */
export async function pollSource(
  transport: NtpTransport,
  time: Time,
  address: NtpAddress,
  burst: Burst,
  signal: AbortSignal,
): Promise<SourceAnswer> {
  const answers: SourceAnswer[] = [];
  while (answers.length < burst.requests && !signal.aborted) {
    if (answers.length > 0) await time.sleep(burst.spacingMs, signal);
    if (signal.aborted) break;
    const answer = answerOf(await transport.exchange(address, signal), burst.pivot);
    answers.push(answer);
    if (answer.kind === "unusable" && endsBurst(answer.why)) break;
  }
  return bestAnswer(answers);
}

/**
 * A kiss-o'-death whenever there was one, or it would go unheard; else the sample with the least delay, which is the
 * one that queues disturbed least (RFC 5905 section 10); else the last failure.
 */
export function bestAnswer(answers: readonly SourceAnswer[]): SourceAnswer {
  const kiss = answers.find((each) => each.kind === "unusable" && each.why.kind === "kiss-of-death");
  if (kiss !== undefined) return kiss;
  const samples = answers.flatMap((each) => (each.kind === "sample" ? [each] : []));
  const [first, ...others] = samples;
  if (first === undefined) return answers.at(-1) ?? { kind: "unusable", why: { kind: "silent", waitedMs: 0 } };
  return others.reduce((best, each) => (delayNs(each.sample) < delayNs(best.sample) ? each : best), first);
}

function answerOf(reply: NtpReply, pivot: UtcNs): SourceAnswer {
  if (reply.kind !== "replied") return { kind: "unusable", why: reply };
  const verdict = judgeExchange(reply.exchange, pivot);
  return verdict.kind === "sample"
    ? { ...verdict, address: reply.address }
    : { kind: "unusable", why: verdict.rejection };
}

function endsBurst(why: SourceFailure): boolean {
  return why.kind === "kiss-of-death" || why.kind === "failed";
}
