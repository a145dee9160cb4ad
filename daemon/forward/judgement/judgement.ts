import { unreachable } from "../../base/assert.ts";
import type { WallMs } from "../../base/time.ts";
import type { Claim } from "../queue.ts";
import type { CallOutcome } from "../upstream.ts";
import { judgeAnswer } from "./answer-judgement.ts";
import { judgeFailure } from "./failure-judgement.ts";
import type { Judgement, Lessons } from "./lessons.ts";
import { judgeRefusal } from "./refusal-judgement.ts";
import { isRefusedCall, judgeRefusedCall } from "./refused-call-judgement.ts";
import { judgeTooLarge } from "./too-large-judgement.ts";

/** A call that was held back is none to judge by. */
export type JudgedOutcome = Exclude<CallOutcome, { readonly kind: "held-back" }>;

/** What a call's outcome means for its scans and for the calls after it. */
export function judge(claim: Claim, outcome: JudgedOutcome, lessons: Lessons, now: WallMs): Judgement {
  switch (outcome.kind) {
    case "answered":
      return judgeAnswer(claim, outcome, lessons, now);
    case "refused":
      return judgeRefusal(claim, outcome, lessons, now);
    case "not-processed":
      // Of one scan no smaller call can be made: it is refused, as for any other reason that may be its own.
      if (outcome.report.httpStatus === 413 && claim.scans.length > 1) return judgeTooLarge(claim, outcome, lessons);
      return isRefusedCall(outcome)
        ? judgeRefusedCall(claim, outcome, lessons, now)
        : judgeFailure(claim, outcome, lessons, now);
    case "ambiguous":
      return judgeFailure(claim, outcome, lessons, now);
    default:
      return unreachable(outcome);
  }
}
