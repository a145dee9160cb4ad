import type { IncomingMessage, ServerResponse } from "node:http";
import { unreachable } from "../../base/assert.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import { httpDateText } from "../../base/system-time.ts";
import type { Time } from "../../base/time.ts";
import { type CallKind, callTargetOf, serviceBasePath, tokenPath } from "./call-kind.ts";
import type { CallRecord } from "./call-log.ts";
import { type ControlCommand, controlPath, replyOfControl, type SimulatorStats, statsOf } from "./control-reply.ts";
import { type Answer, answerOf, deliveryOf } from "./delivery.ts";
import { deliver, readRequest } from "./exchange.ts";
import type { Aim, CallFault, Fault, FaultRule, Occurrence } from "./fault.ts";
import { Journal } from "./journal.ts";
import { Listener } from "./listener.ts";
import { overviewPage } from "./overview-page.ts";
import { noQuota, type QuotaSettings } from "./quota.ts";
import type { Registers } from "./registers.ts";
import type { Registration, RemarkCode } from "./registration.ts";
import { registrationsMax } from "./registration-ledger.ts";
import { SimulatedService, type WithoutRight } from "./simulated-service.ts";
import { type ClientSettings, TokenOffice } from "./token-office.ts";
import type { TroubleCode } from "./trouble.ts";

/** Characters of a trace id by the Belgif guide. */
const traceIdMax = 36;

export type ServiceSimulatorOptions = {
  /** 0 lets the system choose. */
  readonly port: number;
  /** 127.0.0.1 when absent: the control endpoint asks for no token. */
  readonly host?: string;
  /** Receipt − registration at or past this raises remark 32. The service's own value is not published; none when absent. */
  readonly receiptLimitMs?: number | null;
  /** The bearer token to ask for; none is asked for when absent. */
  readonly token?: string | null;
  /** With a client there is a token endpoint, and every call but health and the endpoint itself needs one of its tokens. */
  readonly client?: ClientSettings | null;
  /** How long a registration is `pending`, by the simulator's clock; for ever when absent. See `LedgerSettings`. */
  readonly settleAfterMs?: number | null;
  /** What the service finds out about enterprises, workers and declarations of works. */
  readonly registers?: Registers;
  readonly quota?: QuotaSettings;
  /** Calls answered with 403, whatever token comes along: what a client meets that lacks the scope or the right for them. */
  readonly withoutRight?: WithoutRight;
  /** SSINs with right check digits that get remark 15 all the same. */
  readonly unknownSsins?: readonly string[];
  /** How far the service's clock is ahead of `time`. */
  readonly clockOffsetMs?: number;
  readonly registrationsMax?: number;
  /** File to which every accepted registration is appended; see `Journal`. */
  readonly journalFile?: string | null;
  /** Told of every fault when its call is answered, or not answered, in its way; not of one that a quota forestalled. */
  readonly onStruck?: (call: CallKind, fault: CallFault) => void;
  /** Decides faults that occur by chance. */
  readonly random?: Random;
  readonly log: Log;
  readonly time: Time;
};

/** A running simulator of Check In and Out at Work. Disposing resets what is open and frees the port. */
export interface ServiceSimulator extends AsyncDisposable {
  /** The base address to configure as the service's; the page for people is at the root of the same host. */
  readonly url: string;
  readonly controlUrl: string;
  /** Where a client gets its token, when there is one. */
  readonly tokenUrl: string;
  readonly port: number;
  /** Replaces every rule. Resolves when the fault is in force: for `refuse`, when connections are refused. */
  setFault(fault: CallFault, occurs?: Occurrence, at?: Aim): Promise<void>;
  setFault(fault: Fault): Promise<void>;
  setFaults(rules: readonly FaultRule[]): Promise<void>;
  clearFaults(): Promise<void>;
  /** The rules still in force. */
  faults(): readonly FaultRule[];
  /** Everything accepted, in order. A live list. */
  registrations(): readonly Registration[];
  /** A worker's, by registration date. */
  registrationsOf(ssin: string): readonly Registration[];
  /** The remarks of a registration as they stand now. */
  remarks(registration: Registration): readonly RemarkCode[];
  /** The latest calls of the service and what became of them, oldest first; health is left out. */
  calls(): readonly CallRecord[];
  stats(): SimulatorStats;
  /** Forgets all registrations. */
  forget(): void;
  /** How far the service's clock is ahead of `time` from now on. */
  setClockOffset(offsetMs: number): void;
  /** For `forMs` from now, registrations get a remark of the service's own trouble, until the next night. */
  trouble(code: TroubleCode, forMs: number): void;
  /** Every token given out so far is refused from now on. */
  revokeTokens(): void;
}

/** @throws BadgedError `address-in-use` */
export async function startServiceSimulator(options: ServiceSimulatorOptions): Promise<ServiceSimulator> {
  await using started = new AsyncDisposableStack();
  const client = options.client ?? null;
  const office = client === null ? null : await TokenOffice.open(client);
  const service = new SimulatedService({
    receiptLimitMs: options.receiptLimitMs ?? null,
    settleAfterMs: options.settleAfterMs ?? null,
    ...(options.registers === undefined ? {} : { registers: options.registers }),
    token: options.token ?? null,
    office,
    quota: options.quota ?? noQuota,
    withoutRight: options.withoutRight ?? {},
    unknownSsins: new Set(options.unknownSsins ?? []),
    clockOffsetMs: options.clockOffsetMs ?? 0,
    registrationsMax: options.registrationsMax ?? registrationsMax,
    random: options.random ?? Math.random,
    time: options.time,
  });
  const journalFile = options.journalFile ?? null;
  const journal = journalFile === null ? null : started.use(new Journal(journalFile));
  const host = options.host ?? "127.0.0.1";
  const listener = await Listener.open({
    host,
    port: options.port,
    time: options.time,
    log: options.log,
    handle(message, response) {
      exchange(service, journal, listener, options, message, response).catch((error: unknown) => {
        options.log.error({ error: messageOf(error) }, "simulator failed to handle a request");
        response.socket?.destroy();
      });
    },
  });
  started.use(listener);
  const owned = started.move();
  const origin = `http://${host.includes(":") ? `[${host}]` : host}:${listener.port}`;
  if (office !== null) office.ownAddress = origin + tokenPath;
  const setRules = (rules: readonly FaultRule[]): Promise<void> => {
    service.rules = rules;
    return listener.admit();
  };
  return {
    url: origin + serviceBasePath,
    controlUrl: origin + controlPath,
    tokenUrl: origin + tokenPath,
    port: listener.port,
    setFault(fault: Fault, occurs: Occurrence = { kind: "always" }, at: Aim = "register") {
      if (fault.kind !== "refuse") return setRules([{ fault, occurs, at }]);
      service.rules = [];
      return listener.refuse(fault.forMs);
    },
    setFaults: setRules,
    clearFaults: () => setRules([]),
    faults: () => service.rules,
    registrations: () => service.ledger.registrations,
    registrationsOf: (ssin) => service.ledger.ofWorker(ssin),
    remarks: (registration) => service.ledger.remarks(registration, service.now()),
    calls: () => service.calls.recent,
    stats: () => statsOf(service),
    forget: () => service.ledger.forget(),
    setClockOffset(offsetMs) {
      service.clockOffsetMs = offsetMs;
    },
    trouble: (code, forMs) => service.trouble(code, forMs),
    revokeTokens: () => office?.revokeAll(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function exchange(
  service: SimulatedService,
  journal: Journal | null,
  listener: Listener,
  options: ServiceSimulatorOptions,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const request = await readRequest(message);
  if (request === null) return;
  const callId = service.nextCallId();
  const receivedMs = service.now();
  const headers = { Date: httpDateText(receivedMs), "BelGov-Related-Trace-Id": `simulator-${callId}` };
  if (request.path.startsWith(`${controlPath}/`)) {
    const { reply, command } = replyOfControl(request, { service, callId });
    if (command.kind !== "refuse") await obey(command, service, listener);
    await deliver(response, { kind: "whole", answer: answerOf(reply) }, headers, options.time);
    if (command.kind === "refuse") await obey(command, service, listener);
    return;
  }
  if (request.path === "/" && request.method === "GET") {
    await deliver(response, { kind: "whole", answer: overviewAnswer(service) }, headers, options.time);
    return;
  }
  const target = callTargetOf(request.method, request.path);
  const throttled = service.throttled(target.kind, callId);
  const fault = throttled === null ? service.strike(target.kind) : null;
  const reply = throttled ?? (await service.reply(request, target, fault, callId, receivedMs));
  const accepted = reply?.accepted ?? [];
  journal?.append(accepted);
  const delivery = deliveryOf(fault, reply, callId, receivedMs);
  service.answered(target.kind, delivery);
  if (fault !== null) options.onStruck?.(target.kind, fault);
  const call: CallRecord = {
    callId,
    call: target.kind,
    receivedMs,
    traceId: traceIdOf(message),
    fault: fault?.kind ?? null,
    delivery: delivery.kind,
    status: "answer" in delivery ? delivery.answer.status : null,
    accepted: accepted.length,
  };
  if (target.kind !== "health") service.calls.add(call);
  const { receivedMs: _, ...fields } = call;
  options.log.debug(fields, "simulated service called");
  await deliver(response, delivery, headers, options.time);
}

function overviewAnswer(service: SimulatedService): Answer {
  const headers = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Cache-Control": "no-store",
  };
  return { status: 200, headers, body: overviewPage(service) };
}

async function obey(command: ControlCommand, service: SimulatedService, listener: Listener): Promise<void> {
  switch (command.kind) {
    case "rules":
      service.rules = command.rules;
      return;
    case "refuse":
      service.rules = [];
      return await listener.refuse(command.fault.forMs);
    case "forget":
      service.ledger.forget();
      return;
    case "clock":
      service.clockOffsetMs = command.offsetMs;
      return;
    case "trouble":
      return service.trouble(command.code, command.forMs);
    case "revoke":
      return service.office?.revokeAll();
    case "none":
      return;
    default:
      return unreachable(command);
  }
}

function traceIdOf(message: IncomingMessage): string | null {
  const traceId = message.headers["belgov-trace-id"];
  return typeof traceId === "string" ? traceId.slice(0, traceIdMax) : null;
}
