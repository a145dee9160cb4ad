import { unreachable } from "../../base/assert.ts";
import type { HttpHead, NotSentCause } from "../../base/http-exchange.ts";
import type { WallMs } from "../../base/time.ts";
import type { HttpOutcome } from "../http-call.ts";
import { keptText, keptTraceId } from "../kept-text.ts";
import type { AttemptOutcome, DueScan } from "../queue.ts";
import { retryAfterMs } from "../retry-after.ts";
import type { CallOutcome, CallReport } from "../upstream.ts";
import { readItems } from "./answer-items.ts";
import { parseJson, readProblem } from "./problem.ts";

/** (C) Answer's header that names the call in the service's own logs. */
export const relatedTraceHeader: string = "belgov-related-trace-id";

/**
 * What a call means for its scans. What the service may have processed is `ambiguous` unless its answer excludes it: a
 * time-out, a broken connection, a 5xx, and any answer that is not the documented one.
 */
export function callOutcomeOf(http: HttpOutcome, scans: readonly DueScan[], now: WallMs): CallOutcome {
  switch (http.kind) {
    case "not-sent": {
      if (http.cause === "held-back") return { kind: "held-back", report: unanswered(http.cause, http.detail) };
      return { kind: "not-processed", retryAfterMs: null, report: unanswered(notSentOutcome(http.cause), http.detail) };
    }
    case "broken-off":
      // A refusal is one even when its explanation was cut off.
      if (http.head !== null && http.head.status >= 400 && http.head.status < 500) {
        return fromStatus(http.head, "", now);
      }
      return { kind: "ambiguous", retryAfterMs: waitMsOf(http.head, now), report: brokenReport(http) };
    case "answered":
      return isSuccess(http.head) ? fromSuccess(http.head, http.body, scans) : fromStatus(http.head, http.body, now);
    default:
      return unreachable(http);
  }
}

/** What the head asks for holds, whatever became of the body. */
function waitMsOf(head: HttpHead | null, now: WallMs): number | null {
  return head === null ? null : retryAfterMs(head.headers["retry-after"] ?? null, head.headers["date"] ?? null, now);
}

function notSentOutcome(cause: NotSentCause): AttemptOutcome {
  if (cause === "unsendable") return "call-refused";
  return cause === "no-name" ? "not-connected" : cause;
}

/** (T) 200; (I) any other success is read in the same way. */
function isSuccess({ status }: HttpHead): boolean {
  return status >= 200 && status < 300;
}

function fromSuccess(head: HttpHead, body: string, scans: readonly DueScan[]): CallOutcome {
  const items = readItems(body, scans);
  if (items === null || items.every((item) => item.kind === "unanswered")) {
    const type = head.headers["content-type"] ?? "no content type";
    const detail = `answer of ${body.length} characters (${type}) speaks of none of the scans`;
    const ambiguous = {
      kind: "ambiguous",
      retryAfterMs: null,
      report: report("unintelligible", head, detail),
    } as const;
    const json = parseJson(body);
    const isItsOwn = body.trim() === "" || (typeof json === "object" && json !== null);
    return isItsOwn ? { ...ambiguous, isUnread: true } : ambiguous;
  }
  const silent = items.filter((item) => item.kind === "unanswered").length;
  const detail = silent === 0 ? "" : `answer does not speak of ${silent} of ${scans.length} scans`;
  return { kind: "answered", items, report: report("answered", head, detail) };
}

/** Statuses as the Belgif guide gives them (C); the others by their class in RFC 9110 section 15. */
function fromStatus(head: HttpHead, body: string, now: WallMs): CallOutcome {
  const problem = readProblem(body);
  const detail = problem?.text ?? `status ${head.status} without a problem description`;
  const waitMs = waitMsOf(head, now);
  const notProcessed = (outcome: AttemptOutcome): CallOutcome => ({
    kind: "not-processed",
    retryAfterMs: waitMs,
    report: report(outcome, head, detail),
  });
  switch (head.status) {
    // The two others are how frameworks answer a body that is well-formed and wrong (I).
    case 400:
    case 409:
    case 422: {
      const culprits = (problem?.issues ?? []).flatMap((issue) =>
        issue.index === null ? [] : [{ index: issue.index, reason: issue.text }],
      );
      const unplaced = problem?.issues.find((issue) => issue.index === null)?.text;
      const reason = unplaced === undefined ? detail : `${detail}; ${unplaced}`;
      return { kind: "refused", culprits, reason: keptText(reason), report: report("call-refused", head, detail) };
    }
    case 401:
    case 403:
      return notProcessed("unauthorised");
    case 408:
      return notProcessed("timed-out");
    case 429:
      return notProcessed("throttled");
    // A moved address says that the request was not carried out there; what 302 and 303 say depends on the server.
    case 301:
    case 307:
    case 308:
      return notProcessed("call-refused");
    default:
      if (head.status >= 400 && head.status < 500) return notProcessed("call-refused");
      return {
        kind: "ambiguous",
        retryAfterMs: waitMs,
        report: report(head.status >= 500 ? "server-error" : "unintelligible", head, detail),
      };
  }
}

function report(outcome: AttemptOutcome, head: HttpHead, detail: string): CallReport {
  return {
    outcome,
    httpStatus: head.status,
    relatedTraceId: keptTraceId(head.headers[relatedTraceHeader] ?? null),
    detail: keptText(detail),
  };
}

function unanswered(outcome: AttemptOutcome, detail: string): CallReport {
  return { outcome, httpStatus: null, relatedTraceId: null, detail: keptText(detail) };
}

function brokenReport({ cause, detail, head }: Extract<HttpOutcome, { kind: "broken-off" }>): CallReport {
  const outcome = cause === "too-long" || cause === "not-http" ? "unintelligible" : cause;
  return head === null ? unanswered(outcome, detail) : report(outcome, head, detail);
}
