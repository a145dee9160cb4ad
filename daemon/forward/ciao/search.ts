import * as v from "valibot";
import type { HttpHead } from "../../base/http-exchange.ts";
import { utcSecondsText } from "../../base/system-time.ts";
import type { WallMs } from "../../base/time.ts";
import type { HttpOutcome } from "../http-call.ts";
import { keptText } from "../kept-text.ts";
import type { AttemptOutcome, DueScan } from "../queue.ts";
import type { SearchOutcome } from "../upstream.ts";
import { callOutcomeOf } from "./answer.ts";
import { readFound } from "./answer-items.ts";
import { parseJson } from "./problem.ts";
import { mayBeOf } from "./told-ssin.ts";
import { wireDirection } from "./wire.ts";

/** (I) Behind the base address; nothing public names it. Configuration may name another, or none. */
export const searchPath: string = "/presenceRegistrations";

/** A search is made between calls that register: one that hangs must not hold them up for long. */
export const searchMaxMs: number = 10_000;

/** (I) A worker's registrations of one second. */
export function searchQuery({ ssin, utcMs }: DueScan): string {
  const second = utcSecondsText(utcMs);
  return `?${new URLSearchParams({ ssin, from: second, to: second })}`;
}

/**
 * What a search's answer says of the scan. Certain is only a whole answer of the assumed shape in which every registration
 * can be read; from anything else nothing is concluded.
 */
export function searchOutcomeOf(http: HttpOutcome, scan: DueScan, now: WallMs): SearchOutcome {
  const outcome = callOutcomeOf(http, [scan], now);
  const { report: called } = outcome;
  const waitMs = "retryAfterMs" in outcome ? outcome.retryAfterMs : null;
  if (http.kind !== "answered") return { kind: "failed", retryAfterMs: waitMs, report: called };
  const { head, body } = http;
  if (head.status >= 200 && head.status < 300) return fromSuccess(head, body, scan, called);
  if (hasNoSearch(head.status)) return { kind: "not-to-be-had", report: called };
  if (isOfThisScan.includes(head.status)) return { kind: "refused", report: called };
  return { kind: "failed", retryAfterMs: waitMs, report: called };
}

const answerSchema = v.looseObject({
  items: v.array(v.unknown()),
  total: v.optional(v.unknown()),
});

function fromSuccess(head: HttpHead, body: string, scan: DueScan, called: SearchOutcome["report"]): SearchOutcome {
  const report = (outcome: AttemptOutcome, detail: string) => ({ ...called, outcome, detail: keptText(detail) });
  const parsed = v.safeParse(answerSchema, parseJson(body));
  const found = parsed.success ? parsed.output.items.map(readFound) : [null];
  const wanted = { registrationDate: utcSecondsText(scan.utcMs), type: wireDirection(scan.direction) };
  const alike = found.filter(
    (each) =>
      each !== null &&
      each.echo.registrationDate === wanted.registrationDate &&
      each.echo.type === wanted.type &&
      mayBeOf(each.echo.ssin, scan.ssin),
  );
  // Nobody published how a search names the worker: a service that does not know our name for him answers with those of
  // others, and one that tells no number at all may have. Sent again, it is marked; believed, it may never be registered.
  const match = alike.find((each) => each !== null && each.echo.ssin !== null) ?? null;
  if (match !== null) {
    const { registrationId, validity, remarks } = match;
    return { kind: "found", registrationId, validity, remarks, report: report("answered", "search: found") };
  }
  // Who answers with moments that were not asked for may have left others out, unless it says how many there are.
  const isAsAsked = found.every((each) => each?.echo.registrationDate === wanted.registrationDate);
  const total = (parsed.success ? parsed.output.total : null) ?? null;
  const isTotal = typeof total === "number" && Number.isInteger(total) && total >= 0 && total <= found.length;
  // 206 is a part of the answer by its own name, and no other status but 200 means all of it.
  const isWhole = parsed.success && head.status === 200 && (total === null ? isAsAsked : isTotal);
  const isReadable =
    alike.length === 0 &&
    found.every(
      (each) =>
        each !== null &&
        each.echo.registrationDate !== null &&
        each.echo.type !== null &&
        mayBeOf(each.echo.ssin, scan.ssin),
    );
  if (isWhole && isReadable) return { kind: "not-found", report: report("answered", "search: not found") };
  const type = head.headers["content-type"] ?? "no content type";
  const detail = `search: answer of ${body.length} characters (${type}) cannot be read`;
  return { kind: "failed", retryAfterMs: null, report: report("unintelligible", detail) };
}

/** Moved, not for this method, gone, not implemented. */
function hasNoSearch(status: number): boolean {
  return (status >= 300 && status < 400) || [405, 410, 501].includes(status);
}

/** Not understood, not allowed, not there: of the call, or of this worker and his employer alone. */
const isOfThisScan: readonly number[] = [400, 403, 404, 422];
