/**
 * Errors as the Belgif REST guide wants them: RFC 9457 `application/problem+json`, `type` a stable URN.
 * Only the kinds the simulator answers with.
 */
export type ProblemKind =
  | "badRequest"
  | "noAccessToken"
  | "invalidAccessToken"
  | "expiredAccessToken"
  | "missingScope"
  | "missingPermission"
  | "resourceNotFound"
  | "methodNotAllowed"
  | "payloadTooLarge"
  | "unsupportedMediaType"
  | "tooManyRequests"
  | "tooManyFailedRequests"
  | "internalServerError"
  | "badGateway"
  | "serviceUnavailable"
  | "gatewayTimeout";

/** A client that is known, and may not make this call: its token lacks the scope, or it was never given the right. */
export const rightProblems = ["missingScope", "missingPermission"] as const;

export type RightProblem = (typeof rightProblems)[number];

/** What can be wrong with the access of a client. */
export const accessProblems = [
  "noAccessToken",
  "invalidAccessToken",
  "expiredAccessToken",
  "missingScope",
  "missingPermission",
] as const;

export type AccessProblem = (typeof accessProblems)[number];

/** What is wrong with one part of a request; `name` is a path such as `items[0].ssin`. */
export type InputIssue = {
  readonly type: `urn:problem-type:belgif:input-validation:${"schemaViolation" | "unknownInput"}`;
  readonly in: "body" | "path" | "query";
  readonly name: string;
  readonly detail: string;
  readonly value?: unknown;
};

export type Problem = {
  readonly type: `urn:problem-type:belgif:${ProblemKind}`;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Names the call in the simulator's own log. */
  readonly instance: string;
  readonly issues?: readonly InputIssue[];
};

const kinds: Record<ProblemKind, { readonly status: number; readonly title: string }> = {
  badRequest: { status: 400, title: "Bad Request" },
  noAccessToken: { status: 401, title: "No Access Token" },
  invalidAccessToken: { status: 401, title: "Invalid Access Token" },
  expiredAccessToken: { status: 401, title: "Expired Access Token" },
  missingScope: { status: 403, title: "Missing Scope" },
  missingPermission: { status: 403, title: "Missing Permission" },
  resourceNotFound: { status: 404, title: "Resource Not Found" },
  methodNotAllowed: { status: 405, title: "Method Not Allowed" },
  payloadTooLarge: { status: 413, title: "Payload Too Large" },
  unsupportedMediaType: { status: 415, title: "Unsupported Media Type" },
  tooManyRequests: { status: 429, title: "Too Many Requests" },
  tooManyFailedRequests: { status: 429, title: "Too Many Failed Requests" },
  internalServerError: { status: 500, title: "Internal Server Error" },
  badGateway: { status: 502, title: "Bad Gateway" },
  serviceUnavailable: { status: 503, title: "Service Unavailable" },
  gatewayTimeout: { status: 504, title: "Gateway Timeout" },
};

export function problemOf(
  kind: ProblemKind,
  detail: string,
  callId: number,
  issues: readonly InputIssue[] = [],
): Problem {
  const { status, title } = kinds[kind];
  const problem = {
    type: `urn:problem-type:belgif:${kind}`,
    title,
    status,
    detail,
    instance: `urn:simulator:call:${callId}`,
  } as const;
  return issues.length === 0 ? problem : { ...problem, issues };
}
