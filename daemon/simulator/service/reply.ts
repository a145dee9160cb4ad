import { type Problem, type ProblemKind, problemOf } from "./problem.ts";
import type { Registration } from "./registration.ts";
import { bodyBytesMax } from "./registration-call.ts";

/** A request, read; `body` is `null` when it was longer than `bodyBytesMax`. */
export type SimulatorRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | null;
  readonly contentType: string | null;
  readonly body: string | null;
};

/** An answer before any fault has touched it. */
export type Reply = {
  readonly status: number;
  /** Text is sent as it is, anything else as JSON. */
  readonly body: object | string;
  readonly headers: Readonly<Record<string, string>>;
  /** What this call made the service hold. */
  readonly accepted: readonly Registration[];
};

export function replyOf(status: number, body: object): Reply {
  return { status, body, headers: { "Content-Type": "application/json" }, accepted: [] };
}

export function replyOfProblem(problem: Problem): Reply {
  const headers = { "Content-Type": "application/problem+json" };
  return { status: problem.status, body: problem, headers, accepted: [] };
}

export function wrongMethod(allowed: string, callId: number): Reply {
  return withHeaders(refusal("methodNotAllowed", `this path takes ${allowed}`, callId), { Allow: allowed });
}

export function refusal(kind: ProblemKind, detail: string, callId: number): Reply {
  return replyOfProblem(problemOf(kind, detail, callId));
}

export function withHeaders(reply: Reply, headers: Readonly<Record<string, string>>): Reply {
  return { ...reply, headers: { ...reply.headers, ...headers } };
}

/** The text of a JSON body, or the problem that answers a body that is none. */
export function readJsonText(request: SimulatorRequest, callId: number): string | Reply {
  if (request.body === null) {
    return refusal("payloadTooLarge", `a body has at most ${bodyBytesMax} bytes`, callId);
  }
  if (!/^application\/json\s*(;|$)/i.test(request.contentType ?? "")) {
    return refusal("unsupportedMediaType", "expected application/json", callId);
  }
  return request.body;
}
