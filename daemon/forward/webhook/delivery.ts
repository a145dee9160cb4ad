import { createHash } from "node:crypto";
import { unreachable } from "../../base/assert.ts";
import type { HttpHead } from "../../base/http-exchange.ts";
import { utcText } from "../../base/system-time.ts";
import type { WallMs } from "../../base/time.ts";
import type { HttpOutcome } from "../http-call.ts";
import { keptText } from "../kept-text.ts";
import { retryAfterMs } from "../retry-after.ts";
import type { WebhookScan } from "./cursor.ts";

/** The most scans one delivery carries. */
export const deliveryMaxScans: number = 100;

/**
 * What a receiver gets: `{ "store", "scans": [{ "scanId", "readerId", "badgeNumber", "workerReference", "direction",
 * "utc", "errorBoundMs", "state" }] }`. `utc` is ISO 8601 with milliseconds; never a national number.
 */
export function deliveryBody(storeId: string, scans: readonly WebhookScan[]): string {
  const listed = scans.map((scan) => ({
    scanId: scan.scanId,
    readerId: scan.readerId,
    badgeNumber: scan.badgeNumber,
    workerReference: scan.workerReference,
    direction: scan.direction,
    utc: utcText(scan.utcMs),
    errorBoundMs: scan.errorBoundMs,
    state: scan.state,
  }));
  return JSON.stringify({ store: storeId, scans: listed });
}

/**
 * The same for the same body, so that a receiver that got it before can say so. Another when the state of a scan changed
 * between two deliveries: by the Idempotency-Key draft a receiver answers 422 to another body under a key that it knows.
 */
export function idempotencyKey(storeId: string, scans: readonly WebhookScan[], body: string): string {
  const digest = createHash("sha256").update(body).digest("hex").slice(0, keyDigestChars);
  return `${storeId}-${scans[0]?.scanId ?? 0}-${scans.at(-1)?.scanId ?? 0}-${digest}`;
}

/** 64 bits: it only has to tell apart the few bodies that the same scans ever have. */
const keyDigestChars = 16;

/**
 * - `accepted`: the receiver has them.
 * - `refused`: it will not have them as they are, now or later.
 * - `failed`: it may have them later.
 */
export type DeliveryOutcome =
  | { readonly kind: "accepted" }
  | { readonly kind: "refused"; readonly reason: string; readonly httpStatus: number }
  | {
      readonly kind: "failed";
      readonly detail: string;
      readonly httpStatus: number | null;
      readonly retryAfterMs: number | null;
    };

/** Refusals that speak of the caller, the address or the moment, not of the scans (RFC 9110 section 15.5). */
const passing: readonly number[] = [401, 402, 403, 404, 405, 406, 407, 408, 410, 411, 415, 421, 425, 426, 429, 431];

/**
 * By the Idempotency-Key draft 409 says that an earlier delivery of the same scans is still being worked on, and may yet
 * fail; others say so of what they hold already, and would for ever. Who means the former names a time to come again.
 */
const passingWithWait: readonly number[] = [409, 423];

export function deliveryOutcomeOf(http: HttpOutcome, now: WallMs): DeliveryOutcome {
  switch (http.kind) {
    case "not-sent":
      return { kind: "failed", detail: keptText(http.detail), httpStatus: null, retryAfterMs: null };
    case "broken-off": {
      // A refusal is one even when its explanation was cut off, and whoever says too much has said it: such a delivery, made
      // again, would end so again. One that was taken, by an answer that broke off, may have been taken in part.
      if (http.head !== null && (http.cause === "too-long" || http.head.status >= 400)) {
        return ofStatus(http.head, http.detail, now);
      }
      const waitMs = http.head === null ? null : waitMsOf(http.head, now);
      return {
        kind: "failed",
        detail: keptText(http.detail),
        httpStatus: http.head?.status ?? null,
        retryAfterMs: waitMs,
      };
    }
    case "answered":
      return ofStatus(http.head, http.body, now);
    default:
      return unreachable(http);
  }
}

/** @param said with a refusal, by the receiver or of how its answer ended */
function ofStatus(head: HttpHead, said: string, now: WallMs): DeliveryOutcome {
  const { status } = head;
  if (status >= 200 && status < 300) return { kind: "accepted" };
  const detail = `status ${status}`;
  const waitMs = waitMsOf(head, now);
  const isPassing = passing.includes(status) || (waitMs !== null && passingWithWait.includes(status));
  if (status >= 400 && status < 500 && !isPassing) {
    return { kind: "refused", reason: keptText(`${detail}: ${said}`), httpStatus: status };
  }
  return { kind: "failed", detail, httpStatus: status, retryAfterMs: waitMs };
}

function waitMsOf({ headers }: HttpHead, now: WallMs): number | null {
  return retryAfterMs(headers["retry-after"] ?? null, headers["date"] ?? null, now);
}
