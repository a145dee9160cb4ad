import { utcText } from "../../base/system-time.ts";
import type { CallCounts } from "./call-log.ts";
import { type ControlOrder, readClockOrder, readTroubleOrder } from "./control-order.ts";
import { type FaultOrder, readFaultOrder } from "./fault-order.ts";
import { problemOf } from "./problem.ts";
import { type Reply, readJsonText, replyOf, replyOfProblem, type SimulatorRequest, wrongMethod } from "./reply.ts";
import type { SimulatedService } from "./simulated-service.ts";
import { wireRegistration } from "./wire-registration.ts";

export const controlPath = "/simulator";

/** Registrations on one page of `GET /simulator/registrations`. */
export const pageMax = 10_000;

export type ControlContext = { readonly service: SimulatedService; readonly callId: number };

/** What the shell has to do besides answering. */
export type ControlCommand =
  | FaultOrder
  | ControlOrder
  | { readonly kind: "forget" }
  | { readonly kind: "revoke" }
  | { readonly kind: "none" };

export type ControlReply = { readonly reply: Reply; readonly command: ControlCommand };

/**
 * The controls beside the service, for whoever tries a site or runs a fault campaign:
 *
 * - `GET /simulator/registrations?after=ID&limit=N`: in order of acceptance, with the remarks as they stand now
 * - `DELETE /simulator/registrations`: forgets all
 * - `GET | POST | DELETE /simulator/fault`: shows, sets, clears; see `readFaultOrder`
 * - `POST /simulator/clock` `{"offsetMs":…}`: how far the service's clock is ahead of the true time from now on
 * - `POST /simulator/trouble` `{"code":35,"forMs":…}`: see `troubleRemarks`
 * - `DELETE /simulator/tokens`: every token given out is refused from now on
 * - `GET /simulator/stats`, `GET /simulator/calls`
 */
export function replyOfControl(request: SimulatorRequest, context: ControlContext): ControlReply {
  const { method } = request;
  switch (request.path.slice(controlPath.length)) {
    case "/registrations":
      if (method === "DELETE")
        return { reply: replyOf(200, { forgotten: count(context) }), command: { kind: "forget" } };
      return answered(method === "GET" ? page(request, context) : wrongMethod("GET, DELETE", context.callId));
    case "/fault":
      return faultReply(request, context);
    case "/clock":
      return ordered(request, context, readClockOrder);
    case "/trouble":
      return ordered(request, context, readTroubleOrder);
    case "/tokens":
      if (method === "DELETE") return { reply: replyOf(200, {}), command: { kind: "revoke" } };
      return answered(wrongMethod("DELETE", context.callId));
    case "/stats":
      return answered(method === "GET" ? replyOf(200, statsOf(context.service)) : wrongMethod("GET", context.callId));
    case "/calls":
      return answered(method === "GET" ? replyOf(200, callsOf(context)) : wrongMethod("GET", context.callId));
    default:
      return refused("resourceNotFound", "there is nothing at this path", context);
  }
}

export type SimulatorStats = CallCounts & {
  readonly registrations: number;
  readonly workers: number;
  /** See `Quota`. */
  readonly quotaViolations: number;
  readonly quotaRefusals: number;
  readonly failedCallsPeak: number;
};

export function statsOf({ ledger, calls, quota }: SimulatedService): SimulatorStats {
  return {
    registrations: ledger.registrations.length,
    workers: ledger.workerCount,
    quotaViolations: quota.violations,
    quotaRefusals: quota.refusals,
    failedCallsPeak: quota.failedPeak,
    ...calls.counts,
  };
}

function ordered(
  request: SimulatorRequest,
  context: ControlContext,
  read: (body: string) => ControlOrder | string,
): ControlReply {
  if (request.method !== "POST") return answered(wrongMethod("POST", context.callId));
  const text = readJsonText(request, context.callId);
  if (typeof text !== "string") return answered(text);
  const order = read(text);
  return typeof order === "string"
    ? refused("badRequest", order, context)
    : { reply: replyOf(200, order), command: order };
}

function faultReply(request: SimulatorRequest, context: ControlContext): ControlReply {
  switch (request.method) {
    case "GET":
      return answered(replyOf(200, { rules: context.service.rules }));
    case "DELETE":
      return { reply: replyOf(200, { rules: [] }), command: { kind: "rules", rules: [] } };
    case "POST": {
      const text = readJsonText(request, context.callId);
      if (typeof text !== "string") return answered(text);
      const order = readFaultOrder(text);
      if (typeof order === "string") return refused("badRequest", order, context);
      if (order.kind === "rules") return { reply: replyOf(200, { rules: order.rules }), command: order };
      const reply = replyOf(200, { refuse: order.fault });
      return { reply: { ...reply, headers: { ...reply.headers, Connection: "close" } }, command: order };
    }
    default:
      return answered(wrongMethod("GET, POST, DELETE", context.callId));
  }
}

function page(request: SimulatorRequest, { service, callId }: ControlContext): Reply {
  const { ledger } = service;
  const now = service.now();
  const after = numberOf(request.query.get("after"), 0);
  const limit = numberOf(request.query.get("limit"), pageMax);
  if (after === null || limit === null || limit < 1 || limit > pageMax) {
    return replyOfProblem(problemOf("badRequest", `after is an id, limit is 1 to ${pageMax}`, callId));
  }
  const firstId = ledger.registrations[0]?.id ?? 1;
  const from = Math.max(0, after + 1 - firstId);
  const items = ledger.registrations.slice(from, from + limit);
  const isLast = from + items.length >= ledger.registrations.length;
  return replyOf(200, {
    items: items.map((each) => wireRegistration(each, ledger.remarks(each, now))),
    total: ledger.registrations.length,
    /** What to pass as `after` for the next page; `null` on the last one. */
    next: isLast ? null : (items.at(-1)?.id ?? null),
  });
}

function callsOf({ service }: ControlContext): object {
  const latest = service.calls.recent.slice(-pageMax);
  return { items: latest.map(({ receivedMs, ...call }) => ({ ...call, received: utcText(receivedMs) })) };
}

function numberOf(text: string | null, fallback: number): number | null {
  if (text === null) return fallback;
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function count({ service }: ControlContext): number {
  return service.ledger.registrations.length;
}

function answered(reply: Reply): ControlReply {
  return { reply, command: { kind: "none" } };
}

function refused(kind: "badRequest" | "resourceNotFound", detail: string, context: ControlContext): ControlReply {
  return answered(replyOfProblem(problemOf(kind, detail, context.callId)));
}
