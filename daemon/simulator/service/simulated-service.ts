import type { Random } from "../../base/random.ts";
import { type Time, type WallMs, wallMs } from "../../base/time.ts";
import { CallLog } from "./call-log.ts";
import { type CallFault, type FaultRule, isProcessed, strike } from "./fault.ts";
import { RegistrationLedger } from "./registration-ledger.ts";
import { type Reply, registerInBulkPath, replyOfService, type SimulatorRequest } from "./service-reply.ts";

/** The path of the real service's address. */
export const serviceBasePath = "/REST/presenceRegistration/v1";

export type SimulatedServiceOptions = {
  readonly receiptLimitMs: number | null;
  readonly token: string | null;
  readonly unknownSsins: readonly string[];
  readonly clockOffsetMs: number;
  readonly registrationsMax: number;
  readonly random: Random;
  readonly time: Time;
};

/** What the simulated service knows, and how it answers; no sockets. */
export class SimulatedService {
  readonly ledger: RegistrationLedger;
  readonly calls: CallLog = new CallLog();
  rules: readonly FaultRule[] = [];
  #lastCallId = 0;
  readonly #options: SimulatedServiceOptions;

  constructor(options: SimulatedServiceOptions) {
    this.#options = options;
    this.ledger = new RegistrationLedger(options.receiptLimitMs, new Set(options.unknownSsins));
  }

  now(): WallMs {
    return wallMs(this.#options.time.wallMs() + this.#options.clockOffsetMs);
  }

  nextCallId(): number {
    this.#lastCallId += 1;
    return this.#lastCallId;
  }

  /** Faults strike registrations only: health and single look-ups answer through them. */
  strike(request: SimulatorRequest): CallFault | null {
    if (!isRegistration(request)) return null;
    const struck = strike(this.rules, this.#options.random);
    this.rules = struck.rules;
    return struck.fault;
  }

  reply(request: SimulatorRequest, fault: CallFault | null, callId: number, receivedMs: WallMs): Reply | null {
    if (fault !== null && !isProcessed(fault)) return null;
    return replyOfService(request, {
      basePath: serviceBasePath,
      token: this.#options.token,
      ledger: this.ledger,
      registrationsMax: this.#options.registrationsMax,
      callId,
      receivedMs,
      notCreatedSsins: fault?.kind === "not-created" ? fault.ssins : [],
    });
  }
}

export function isRegistration(request: SimulatorRequest): boolean {
  return request.method === "POST" && request.path === serviceBasePath + registerInBulkPath;
}
