import { elapsedMs, type MonotonicNs } from "../../base/time.ts";
import { forwardEvents as events, type LogLine } from "../events.ts";
import type { Claim, Settlement } from "../queue.ts";
import { type SearchTrack, searchOffMs } from "../search-track.ts";
import type { SearchOutcome } from "../upstream.ts";

/** What a search means for the scan that it was made for, and the line that tells it. */
export function judgeSearch(
  { attemptId, scans }: Claim,
  outcome: SearchOutcome,
  { failures, nextNs }: SearchTrack,
  now: { readonly monotonicNs: MonotonicNs },
): { readonly settlements: readonly Settlement[]; readonly line: LogLine } {
  const told = { count: scans.length, attemptId };
  switch (outcome.kind) {
    case "found": {
      const { registrationId, validity, remarks } = outcome;
      const settlements = scans.map(
        ({ scanId }): Settlement => ({
          kind: "registered",
          scanId,
          registrationId,
          validity,
          remarks,
          foundBySearch: true,
        }),
      );
      return { settlements, line: { level: "info", event: events.foundBySearch, fields: told } };
    }
    case "not-found":
      return {
        settlements: scans.map(({ scanId }) => ({ kind: "not-found", scanId })),
        line: { level: "info", event: events.notFoundBySearch, fields: told },
      };
    case "not-to-be-had": {
      const { httpStatus, detail } = outcome.report;
      const fields = { httpStatus, detail, forMs: searchOffMs };
      return { settlements: again(scans), line: { level: "warn", event: events.searchNotToBeHad, fields } };
    }
    case "refused": {
      const { httpStatus, detail } = outcome.report;
      const settlements = scans.map(({ scanId }): Settlement => ({ kind: "unsearchable", scanId }));
      return {
        settlements,
        line: { level: "warn", event: events.searchRefused, fields: { ...told, httpStatus, detail } },
      };
    }
    case "failed": {
      const { outcome: how, detail, httpStatus } = outcome.report;
      const retryInMs = Math.max(0, Math.round(elapsedMs(now.monotonicNs, nextNs)));
      const fields = { outcome: how, detail, httpStatus, failedSearches: failures, retryInMs };
      return { settlements: again(scans), line: { level: "warn", event: events.searchFailed, fields } };
    }
  }
}

/** The doubt stays open. */
function again(scans: Claim["scans"]): readonly Settlement[] {
  return scans.map(({ scanId }) => ({ kind: "again", scanId, notBefore: null }));
}
