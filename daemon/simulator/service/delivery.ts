import { present, unreachable } from "../../base/assert.ts";
import { httpDateText, parseUtcText, utcSecondsText } from "../../base/system-time.ts";
import { type WallMs, wallMs } from "../../base/time.ts";
import type { CallFault, GarbageForm } from "./fault.ts";
import { type ProblemKind, problemOf } from "./problem.ts";
import { type Reply, refusal, replyOfProblem, withHeaders } from "./reply.ts";

/** A complete answer, as bytes of text. */
export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** What the shell does with the socket. */
export type Delivery =
  | { readonly kind: "whole"; readonly answer: Answer }
  /** The length of the whole is announced, half is sent, then the connection is reset. */
  | { readonly kind: "half-then-reset"; readonly answer: Answer }
  | {
      readonly kind: "drip";
      readonly answer: Answer;
      readonly bytesPerChunk: number;
      readonly everyMs: number;
    }
  /** No length is announced; spaces follow the body for ever. */
  | { readonly kind: "endless"; readonly answer: Answer; readonly everyMs: number }
  | { readonly kind: "reset" }
  | { readonly kind: "silence" };

/**
 * How a call is answered under a fault.
 *
 * @param reply what the service answered; `null` when the fault struck before processing
 * @param now by the simulator's clock, for `Retry-After` as a date
 */
export function deliveryOf(fault: CallFault | null, reply: Reply | null, callId: number, now: WallMs): Delivery {
  const answered = (): Answer => answerOf(present(reply, "a call that was processed has a reply"));
  if (fault === null) return { kind: "whole", answer: answered() };
  switch (fault.kind) {
    case "time-out":
      return { kind: "silence" };
    case "reset-before":
    case "reset-after-processing":
      return { kind: "reset" };
    case "reset-during-answer":
      return { kind: "half-then-reset", answer: answered() };
    case "throttle":
      return { kind: "whole", answer: throttled(fault, callId, now) };
    case "server-error":
      return { kind: "whole", answer: failed(fault, callId) };
    case "unauthorised":
      return { kind: "whole", answer: unauthorised(fault, callId) };
    case "endless":
      return { kind: "endless", answer: answered(), everyMs: fault.everyMs };
    case "garbage":
      return { kind: "whole", answer: fault.form === "html" ? captivePortal : garbled(fault.form, answered()) };
    case "slow":
      return { kind: "drip", answer: answered(), bytesPerChunk: fault.bytesPerChunk, everyMs: fault.everyMs };
    case "huge":
      return { kind: "whole", answer: padded(answered(), fault.bytes) };
    case "not-created":
      return { kind: "whole", answer: answered() };
    default:
      return unreachable(fault);
  }
}

export function answerOf(reply: Reply): Answer {
  const body = typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body);
  return { status: reply.status, headers: reply.headers, body };
}

function unauthorised({ problem }: CallFault & { readonly kind: "unauthorised" }, callId: number): Answer {
  const reply = refusal(problem, "the simulator was told to refuse access", callId);
  return answerOf(withHeaders(reply, { "WWW-Authenticate": "Bearer" }));
}

function throttled(fault: CallFault & { readonly kind: "throttle" }, callId: number, now: WallMs): Answer {
  const answer = answerOf(replyOfProblem(problemOf(fault.problem, "the simulator was told to throttle", callId)));
  if (fault.retryAfter === null) return answer;
  const { form, seconds } = fault.retryAfter;
  return withRetryAfter(answer, form === "date" ? httpDateText(wallMs(now + seconds * 1000)) : String(seconds));
}

const problemOfStatus: Record<500 | 502 | 503 | 504, ProblemKind> = {
  500: "internalServerError",
  502: "badGateway",
  503: "serviceUnavailable",
  504: "gatewayTimeout",
};

function failed(fault: CallFault & { readonly kind: "server-error" }, callId: number): Answer {
  const problem = problemOf(problemOfStatus[fault.status], "the simulator was told to fail", callId);
  const answer = answerOf(replyOfProblem(problem));
  return fault.retryAfterSeconds === null ? answer : withRetryAfter(answer, String(fault.retryAfterSeconds));
}

function withRetryAfter(answer: Answer, retryAfter: string): Answer {
  return { ...answer, headers: { ...answer.headers, "Retry-After": retryAfter } };
}

const captivePortal: Answer = {
  status: 200,
  headers: { "Content-Type": "text/html; charset=utf-8" },
  body: "<!doctype html><html><head><title>Welcome</title></head><body>Accept the conditions to go on.</body></html>",
};

function garbled(form: Exclude<GarbageForm, "html">, answer: Answer): Answer {
  switch (form) {
    case "half-json":
      return { ...answer, body: answer.body.slice(0, Math.floor(answer.body.length / 2)) };
    case "wrong-shape":
      return { ...answer, body: JSON.stringify({ result: "ok", items: { count: 1 } }) };
    case "reordered":
      return withItems(answer, (items) => items.toReversed());
    case "fewer-items":
      return withItems(answer, (items) => items.slice(0, -1));
    case "unknown-fields":
      return { ...answer, body: JSON.stringify(withUnknownFields(JSON.parse(answer.body))) };
    case "another-registration":
      return { ...answer, body: JSON.stringify(ofAnother(JSON.parse(answer.body))) };
    default:
      return unreachable(form);
  }
}

function withUnknownFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withUnknownFields);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([name, each]) => [name, withUnknownFields(each)] as const);
  return { newInThisVersion: { reason: "unknown", list: [1, null] }, ...Object.fromEntries(fields) };
}

function ofAnother(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ofAnother);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([name, each]) => [name, ofAnother(each)] as const);
  const other: Readonly<Record<string, unknown>> = Object.fromEntries(fields);
  const told = typeof other["registrationDate"] === "string" ? parseUtcText(other["registrationDate"]) : null;
  if (told === null) return other;
  return {
    ...other,
    registrationDate: utcSecondsText(wallMs(told - dayMs)),
    type: other["type"] === "IN" ? "OUT" : "IN",
  };
}

const dayMs = 24 * 60 * 60 * 1000;

/** Leaves an answer without items, such as a problem, as it is. */
function withItems(answer: Answer, change: (items: readonly unknown[]) => readonly unknown[]): Answer {
  const body: unknown = JSON.parse(answer.body);
  if (typeof body !== "object" || body === null || !("items" in body) || !Array.isArray(body.items)) return answer;
  return { ...answer, body: JSON.stringify({ ...body, items: change(body.items) }) };
}

function padded(answer: Answer, bytes: number): Answer {
  const shell = answer.body.slice(0, -1);
  const wanted = bytes - Buffer.byteLength(shell) - ',"padding":""}'.length;
  return { ...answer, body: `${shell},"padding":"${"x".repeat(Math.max(0, wanted))}"}` };
}
