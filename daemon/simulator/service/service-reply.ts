import { unreachable } from "../../base/assert.ts";
import { counted } from "../../base/counted.ts";
import { utcText } from "../../base/system-time.ts";
import type { WallMs } from "../../base/time.ts";
import type { CallTarget } from "./call-kind.ts";
import { type AccessProblem, type InputIssue, problemOf } from "./problem.ts";
import type { Registration } from "./registration.ts";
import { checkCall, readMoment } from "./registration-call.ts";
import type { RegistrationLedger } from "./registration-ledger.ts";
import { wireRemarks } from "./remarks.ts";
import {
  type Reply,
  readJsonText,
  refusal,
  replyOf,
  replyOfProblem,
  type SimulatorRequest,
  withHeaders,
  wrongMethod,
} from "./reply.ts";
import { wireRegistration } from "./wire-registration.ts";

/** Registrations in one answer of a search; the total stands beside them. */
export const searchItemsMax = 200;

/** What the service knows while it answers one call. */
export type ServiceContext = {
  readonly access: "granted" | AccessProblem;
  readonly ledger: RegistrationLedger;
  readonly registrationsMax: number;
  readonly callId: number;
  readonly receivedMs: WallMs;
  /** Workers whose items this call answers as not created. */
  readonly notCreatedSsins: readonly string[];
};

/** Answers a call of any kind but `token`. Registers into the ledger; touches nothing else. */
export function replyOfService(request: SimulatorRequest, target: CallTarget, context: ServiceContext): Reply {
  const { callId } = context;
  if (target.kind === "health") return replyOf(200, { status: "UP" });
  const refused = refusedAccess(context);
  if (refused !== null) return refused;
  switch (target.kind) {
    case "register":
      return register(request, context);
    case "search":
      return search(request.query, context);
    case "get":
      return withRegistration(target, context, (registration) => replyOf(200, formOf(registration, context)));
    case "history":
      return withRegistration(target, context, (registration) => historyOf(registration, context));
    case "cancel":
      return withRegistration(target, context, (registration) => cancel(registration, context));
    case "token":
    case "other":
      return target.allowed === null
        ? refusal("resourceNotFound", "there is nothing at this path", callId)
        : wrongMethod(target.allowed, callId);
    default:
      return unreachable(target.kind);
  }
}

function register(request: SimulatorRequest, context: ServiceContext): Reply {
  const text = readJsonText(request, context.callId);
  if (typeof text !== "string") return text;
  const call = checkCall(text);
  if (call.kind === "invalid") {
    const detail = `${counted(call.issues.length, "mistake")}, see issues`;
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

function refusedAccess({ access, callId }: ServiceContext): Reply | null {
  if (access === "granted") return null;
  return withHeaders(refusal(access, accessWords[access], callId), { "WWW-Authenticate": "Bearer" });
}

const accessWords: Readonly<Record<AccessProblem, string>> = {
  noAccessToken: "the call has no token: it wants the header Authorization with Bearer and a token",
  invalidAccessToken: "this token was not given out here, or was withdrawn",
  expiredAccessToken: "this token has expired: ask for another one",
  missingScope: "the token does not cover this kind of call",
  missingPermission: "this client has no right to this kind of call",
};

function withRegistration(
  { registrationId }: CallTarget,
  { ledger, callId }: ServiceContext,
  answer: (registration: Registration) => Reply,
): Reply {
  const registration = registrationId === null ? null : ledger.byId(registrationId);
  return registration === null
    ? refusal("resourceNotFound", "there is no registration with this id", callId)
    : answer(registration);
}

/**
 * Cut from what the control endpoint tells: the call and the receipt are the simulator's own business. What the call did
 * not name is not in the registration either.
 */
function formOf(registration: Registration, { ledger, receivedMs }: ServiceContext): object {
  const {
    callId: _,
    received: __,
    contractualRelationshipReference: reference,
    ...form
  } = wireRegistration(registration, ledger.remarks(registration, receivedMs));
  const validity = ledger.validity(registration, receivedMs);
  return { ...form, ...(reference === null ? {} : { contractualRelationshipReference: reference }), validity };
}

/** Assumed: one worker's registrations with `from` ≤ registrationDate ≤ `to`, by registration date. */
function search(query: URLSearchParams, context: ServiceContext): Reply {
  const { ledger, callId } = context;
  const ssin = query.get("ssin") ?? "";
  const [from, to] = [momentOf(query, "from"), momentOf(query, "to")];
  const issues: InputIssue[] = [];
  if (!/^\d{11}$/.test(ssin)) issues.push(queryIssue("ssin", "expected a national number"));
  if (from === "unreadable") issues.push(queryIssue("from", "expected a UTC date and time in whole seconds"));
  if (to === "unreadable") issues.push(queryIssue("to", "expected a UTC date and time in whole seconds"));
  if (issues.length > 0 || from === "unreadable" || to === "unreadable") {
    return replyOfProblem(problemOf("badRequest", `${counted(issues.length, "mistake")}, see issues`, callId, issues));
  }
  const found = ledger
    .ofWorker(ssin)
    .filter(({ registrationMs }) => (from ?? registrationMs) <= registrationMs && registrationMs <= (to ?? Infinity));
  const items = found.slice(0, searchItemsMax).map((registration) => formOf(registration, context));
  return replyOf(200, { items, total: found.length });
}

function momentOf(query: URLSearchParams, name: string): WallMs | null | "unreadable" {
  const text = query.get(name);
  return text === null ? null : (readMoment(text) ?? "unreadable");
}

function queryIssue(name: string, detail: string): InputIssue {
  return { type: "urn:problem-type:belgif:input-validation:schemaViolation", in: "query", name, detail };
}

function historyOf({ id, receivedMs }: Registration, { ledger }: ServiceContext): Reply {
  const cancelledMs = ledger.cancelledAt(id);
  const created = { action: "created", at: utcText(receivedMs) };
  const items = cancelledMs === null ? [created] : [created, { action: "cancelled", at: utcText(cancelledMs) }];
  return replyOf(200, { items });
}

function cancel(registration: Registration, context: ServiceContext): Reply {
  context.ledger.cancel(registration.id, context.receivedMs);
  return replyOf(200, formOf(registration, context));
}
