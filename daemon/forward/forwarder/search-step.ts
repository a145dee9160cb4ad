import { assert } from "../../base/assert.ts";
import type { Random } from "../../base/random.ts";
import { afterLookedInto, type CallSize } from "../call-size.ts";
import { judgeSearch } from "../judgement/search-judgement.ts";
import type { AttemptReport, Claim } from "../queue.ts";
import { afterSearch, quietAfterSearchMs } from "../search-track.ts";
import type { SearchOutcome } from "../upstream.ts";
import type { ForwarderState, ForwarderStep, Now } from "./forwarder-state.ts";
import { settle } from "./moves.ts";
import { askedToWait, notSooner } from "./next-call.ts";

/** A search ended: what it says of its scan is written, and calls keep the pace, or the rest that the service asked for. */
export function onSearched(state: ForwarderState, ended: SearchOutcome, now: Now, random: Random): ForwarderStep {
  assert(state.phase.kind === "searching", "a search ends while it is under way");
  const outcome = isRefusedAlone(state, ended) ? ({ kind: "refused", report: ended.report } as const) : ended;
  const { claim } = state.phase;
  const search = afterSearch(state.search, outcome, now, random);
  const lessons = { ...state.lessons, size: lookedInto(state.lessons.size, claim, outcome) };
  const searched = { ...state, search, lessons, isAnswered: outcome.kind !== "failed" };
  const quiet = askedToWait(searched, quietAfterSearchMs(outcome), now);
  const next = { ...quiet, nextCallNs: notSooner(quiet, state.settings.callIntervalMs, now) };
  const { settlements, line } = judgeSearch(claim, outcome, search, now);
  const report: AttemptReport = { ...outcome.report, endedAt: now.wallMs };
  const { state: settling, actions } = settle(next, [{ attemptId: claim.attemptId, report, settlements }]);
  return { state: settling, actions: [{ kind: "log", line }, ...actions] };
}

function lookedInto(size: CallSize, { scans: [scan] }: Claim, { kind }: SearchOutcome): CallSize {
  assert(scan !== undefined, "a search has its scan");
  return afterLookedInto(size, scan.scanId, kind === "found" || kind === "not-found" ? kind : null);
}

/** A token that a call went through with since the search before is good: it is the search that is not allowed with it. */
function isRefusedAlone({ search, failures }: ForwarderState, { report }: SearchOutcome): boolean {
  return report.outcome === "unauthorised" && search.failures > 0 && !search.isTried && failures === 0;
}
