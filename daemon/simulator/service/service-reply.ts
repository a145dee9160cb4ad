import { timingSafeEqual } from "node:crypto";
import type { WallMs } from "../../base/time.ts";
import { type Problem, type ProblemKind, problemOf } from "./problem.ts";
import type { Registration } from "./registration.ts";
import { bodyBytesMax, checkCall } from "./registration-call.ts";
import type { RegistrationLedger } from "./registration-ledger.ts";
import { wireRemarks } from "./remarks.ts";
import { wireRegistration } from "./wire-registration.ts";

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
  readonly body: object;
  readonly headers: Readonly<Record<string, string>>;
  /** What this call made the service hold. */
  readonly accepted: readonly Registration[];
};

/** What the service knows while it answers one call. */
export type ServiceContext = {
  readonly basePath: string;
  readonly token: string | null;
  readonly ledger: RegistrationLedger;
  readonly registrationsMax: number;
  readonly callId: number;
  readonly receivedMs: WallMs;
  /** Workers whose items this call answers as not created. */
  readonly notCreatedSsins: readonly string[];
};

export const registerInBulkPath = "/presenceRegistrations/registerInBulk";

/**
 * Answers as the service does. Registers into the ledger; touches nothing else.
 *
 * The path of a single registration is in no public source: `GET {base}/presenceRegistrations/{id}` is assumed.
 */
export function replyOfService(request: SimulatorRequest, context: ServiceContext): Reply {
  const isInside = request.path.startsWith(`${context.basePath}/`);
  const path = isInside ? request.path.slice(context.basePath.length) : "";
  if (path === "/health") {
    return request.method === "GET" ? replyOf(200, { status: "UP" }) : wrongMethod("GET", context.callId);
  }
  const refused = refusedToken(request.authorization, context);
  if (refused !== null) return refused;
  if (path === registerInBulkPath) {
    return request.method === "POST" ? register(request, context) : wrongMethod("POST", context.callId);
  }
  const id = /^\/presenceRegistrations\/(\d{1,15})$/.exec(path)?.[1];
  const registration = id === undefined ? null : context.ledger.byId(Number(id));
  if (registration === null) return refusal("resourceNotFound", "there is nothing at this path", context.callId);
  if (request.method !== "GET") return wrongMethod("GET", context.callId);
  const { callId: _, received: __, ...form } = wireRegistration(registration, context.ledger.remarks(registration));
  return replyOf(200, { ...form, validity: "pending" });
}

export function replyOf(status: number, body: object): Reply {
  return { status, body, headers: { "Content-Type": "application/json" }, accepted: [] };
}

export function replyOfProblem(problem: Problem): Reply {
  const headers = { "Content-Type": "application/problem+json" };
  return { status: problem.status, body: problem, headers, accepted: [] };
}

export function wrongMethod(allowed: string, callId: number): Reply {
  const reply = refusal("methodNotAllowed", `this path takes ${allowed}`, callId);
  return { ...reply, headers: { ...reply.headers, Allow: allowed } };
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

function register(request: SimulatorRequest, context: ServiceContext): Reply {
  const text = readJsonText(request, context.callId);
  if (typeof text !== "string") return text;
  const call = checkCall(text);
  if (call.kind === "invalid") {
    const detail = `${call.issues.length} issues, see issues`;
    return replyOfProblem(problemOf("badRequest", detail, context.callId, call.issues));
  }
  if (context.ledger.registrations.length + call.items.length > context.registrationsMax) {
    return refusal("serviceUnavailable", `the simulator holds at most ${context.registrationsMax}`, context.callId);
  }
  const accepted: Registration[] = [];
  const items = call.items.map((item) => {
    if (context.notCreatedSsins.includes(item.ssin)) {
      return { notCreatedPresenceRegistration: notCreatedForm };
    }
    const registration = context.ledger.accept(item, context.callId, context.receivedMs);
    accepted.push(registration);
    const remarks = wireRemarks(registration.remarksAtReceipt);
    return { createdPresenceRegistration: { id: registration.id, validity: "pending", remarks } };
  });
  return { ...replyOf(200, { items }), accepted };
}

/** What stands in a `notCreatedPresenceRegistration` is in no public source; the shape of a remark is assumed. */
const notCreatedForm = { code: "simulated", description: "The simulator was told not to create this registration." };

function refusedToken(authorization: string | null, context: ServiceContext): Reply | null {
  if (context.token === null) return null;
  const kind = authorization === null ? "noAccessToken" : "invalidAccessToken";
  if (authorization !== null && isSameText(authorization, `Bearer ${context.token}`)) return null;
  const reply = refusal(kind, "a bearer token is wanted", context.callId);
  return { ...reply, headers: { ...reply.headers, "WWW-Authenticate": "Bearer" } };
}

function isSameText(left: string, right: string): boolean {
  const [leftBytes, rightBytes] = [Buffer.from(left), Buffer.from(right)];
  return leftBytes.length === rightBytes.length && timingSafeEqual(leftBytes, rightBytes);
}

function refusal(kind: ProblemKind, detail: string, callId: number): Reply {
  return replyOfProblem(problemOf(kind, detail, callId));
}
