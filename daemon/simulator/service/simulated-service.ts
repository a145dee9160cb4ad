import { timingSafeEqual } from "node:crypto";
import type { Random } from "../../base/random.ts";
import { type Time, type WallMs, wallMs } from "../../base/time.ts";
import type { CallKind, CallTarget } from "./call-kind.ts";
import { CallLog } from "./call-log.ts";
import type { Delivery } from "./delivery.ts";
import { type CallFault, type FaultRule, isProcessed, strike } from "./fault.ts";
import type { RightProblem } from "./problem.ts";
import { Quota, type QuotaSettings } from "./quota.ts";
import { type LedgerSettings, RegistrationLedger } from "./registration-ledger.ts";
import { type Reply, refusal, type SimulatorRequest, withHeaders } from "./reply.ts";
import { replyOfService } from "./service-reply.ts";
import type { TokenOffice, TokenVerdict } from "./token-office.ts";
import type { TroubleCode } from "./trouble.ts";

export type SimulatedServiceOptions = LedgerSettings & {
  /** One token that is never renewed; `null` asks for none. */
  readonly token: string | null;
  /** Where tokens come from; `null` when there is no token endpoint. */
  readonly office: TokenOffice | null;
  readonly clockOffsetMs: number;
  readonly registrationsMax: number;
  readonly quota: QuotaSettings;
  /** Calls that the client has no right to make, and how the service says so. */
  readonly withoutRight: WithoutRight;
  readonly random: Random;
  readonly time: Time;
};

export type WithoutRight = Readonly<Partial<Record<CallKind, RightProblem>>>;

/** What the simulated service knows, and how it answers; no sockets. */
export class SimulatedService {
  readonly ledger: RegistrationLedger;
  readonly calls: CallLog = new CallLog();
  readonly quota: Quota;
  rules: readonly FaultRule[] = [];
  /** How far the service's clock is ahead of `time`. */
  clockOffsetMs: number;
  #lastCallId = 0;
  readonly #options: SimulatedServiceOptions;

  constructor(options: SimulatedServiceOptions) {
    this.#options = options;
    this.clockOffsetMs = options.clockOffsetMs;
    this.ledger = new RegistrationLedger(options);
    this.quota = new Quota(options.quota);
  }

  get office(): TokenOffice | null {
    return this.#options.office;
  }

  now(): WallMs {
    return wallMs(this.#options.time.wallMs() + this.clockOffsetMs);
  }

  nextCallId(): number {
    this.#lastCallId += 1;
    return this.#lastCallId;
  }

  /** The answer to a call above a quota, which comes before any fault and before any look at the call. */
  throttled(kind: CallKind, callId: number): Reply | null {
    const excess = this.quota.enter(kind, this.#steadyMs());
    if (excess === null) return null;
    const reply = refusal(excess.problem, "the quota of calls is used up", callId);
    return withHeaders(reply, { "Retry-After": String(excess.retryAfterSeconds) });
  }

  strike(kind: CallKind): CallFault | null {
    const struck = strike(this.rules, kind, this.#options.random);
    this.rules = struck.rules;
    return struck.fault;
  }

  /** `null` when the fault struck before processing. */
  async reply(
    request: SimulatorRequest,
    target: CallTarget,
    fault: CallFault | null,
    callId: number,
    receivedMs: WallMs,
  ): Promise<Reply | null> {
    if (fault !== null && !isProcessed(fault)) return null;
    const { office } = this.#options;
    if (target.kind === "token" && office !== null) return await office.reply(request, receivedMs);
    return replyOfService(request, target.kind === "token" ? { ...target, kind: "other", allowed: null } : target, {
      access: target.kind === "token" ? "granted" : this.#admit(target.kind, request.authorization, receivedMs),
      ledger: this.ledger,
      registrationsMax: this.#options.registrationsMax,
      callId,
      receivedMs,
      notCreatedSsins: fault?.kind === "not-created" ? fault.ssins : [],
    });
  }

  trouble(code: TroubleCode, forMs: number): void {
    const fromMs = this.now();
    this.ledger.addTrouble({ code, fromMs, untilMs: wallMs(fromMs + forMs) });
  }

  answered(kind: CallKind, delivery: Delivery): void {
    this.quota.answered(kind, delivery, this.#steadyMs(), this.now());
  }

  /** Who the client is comes before what it may do. */
  #admit(kind: CallKind, authorization: string | null, now: WallMs): TokenVerdict | RightProblem {
    const verdict = this.#known(authorization, now);
    return verdict === "granted" ? (this.#options.withoutRight[kind] ?? verdict) : verdict;
  }

  #known(authorization: string | null, now: WallMs): TokenVerdict {
    const { office, token } = this.#options;
    if (token !== null && isSameText(authorization ?? "", `Bearer ${token}`)) return "granted";
    if (office !== null) return office.admit(authorization, now);
    if (token === null) return "granted";
    return authorization === null ? "noAccessToken" : "invalidAccessToken";
  }

  /** Quotas do not move with a clock that somebody sets. */
  #steadyMs(): number {
    return Number(this.#options.time.monotonicNs() / 1_000_000n);
  }
}

function isSameText(left: string, right: string): boolean {
  const [leftBytes, rightBytes] = [Buffer.from(left), Buffer.from(right)];
  return leftBytes.length === rightBytes.length && timingSafeEqual(leftBytes, rightBytes);
}
