import { isSsin } from "../../base/identifiers.ts";
import type { WallMs } from "../../base/time.ts";
import { emptyRegisters, lookedUpRemarks, type Registers } from "./registers.ts";
import type { Registration, RegistrationItem, RemarkCode, Validity } from "./registration.ts";
import { remarksOf } from "./remarks.ts";
import { type Trouble, troubleRemarks, troublesMax, withoutUncomputed } from "./trouble.ts";

/** A million is what the bench asks for; past twice that the simulator says it is full instead of growing on. */
export const registrationsMax = 2_000_000;

/** A worker's registrations by registration date; those of one second keep the order in which they were received. */
type WorkerHistory = { readonly all: Registration[]; readonly ins: Registration[] };

export type LedgerSettings = {
  /** Receipt − registration at or past this raises remark 32; `null` knows no limit. */
  readonly receiptLimitMs: number | null;
  /** SSINs with right check digits that the service pretends not to know. */
  readonly unknownSsins: ReadonlySet<string>;
  readonly registers?: Registers;
  /**
   * How long after receipt a registration is `pending`; remarks that need a look-up come when it no longer is. With `null`
   * it stays pending for ever and every remark is there at receipt.
   */
  readonly settleAfterMs?: number | null;
};

/** Remarks that say that worker, enterprise or declaration are not what the registration says; the others leave it valid. */
const invalidating: ReadonlySet<RemarkCode> = new Set([1, 2, 3, 4, 5, 10, 11, 12, 15, 16, 17, 34]);

/**
 * Everything the simulated service holds, in memory. An index per worker keeps each acceptance at O(log n); employers
 * and places repeat on every item and are kept once, about 200 bytes a registration remain.
 */
export class RegistrationLedger {
  readonly #receiptLimitMs: number | null;
  readonly #unknownSsins: ReadonlySet<string>;
  readonly #registers: Registers;
  readonly #settleAfterMs: number | null;
  readonly #workers = new Map<string, WorkerHistory>();
  readonly #shared = new Map<string, unknown>();
  readonly #cancelled = new Map<number, WallMs>();
  #troubles: readonly Trouble[] = [];
  #inOrder: Registration[] = [];
  #nextId = 1;

  constructor(settings: LedgerSettings) {
    this.#receiptLimitMs = settings.receiptLimitMs;
    this.#unknownSsins = settings.unknownSsins;
    this.#registers = settings.registers ?? emptyRegisters;
    this.#settleAfterMs = settings.settleAfterMs ?? null;
  }

  accept(item: RegistrationItem, callId: number, receivedMs: WallMs): Registration {
    const [ssin, history] = this.#historyOf(item.ssin);
    const id = this.#nextId++;
    const place = positionOf(history.all, item.registrationMs, id);
    const registration: Registration = {
      id,
      callId,
      receivedMs,
      registrationMs: item.registrationMs,
      ssin,
      type: item.type,
      employer: this.#share(item.employer),
      placeOfWork: this.#share(item.placeOfWork),
      contractualRelationshipReference: this.#share(item.contractualRelationshipReference),
      remarksAtReceipt: this.#share(this.#remarks({ ...item, receivedMs, id }, history, receivedMs)),
    };
    history.all.splice(place, 0, registration);
    if (item.type === "IN") history.ins.splice(positionOf(history.ins, item.registrationMs, id), 0, registration);
    this.#inOrder.push(registration);
    return registration;
  }

  /** In the order of acceptance. The live list: copy it to keep it. */
  get registrations(): readonly Registration[] {
    return this.#inOrder;
  }

  get workerCount(): number {
    return this.#workers.size;
  }

  /** Ordered by registration date. */
  ofWorker(ssin: string): readonly Registration[] {
    return this.#workers.get(ssin)?.all ?? [];
  }

  byId(id: number): Registration | null {
    const first = this.#inOrder[0];
    return first === undefined ? null : (this.#inOrder[id - first.id] ?? null);
  }

  /** The remarks as they stand at `now`, with everything that arrived and was looked up since. */
  remarks(registration: Registration, now: WallMs): readonly RemarkCode[] {
    return this.#remarks(registration, this.#workers.get(registration.ssin) ?? { all: [], ins: [] }, now);
  }

  validity(registration: Registration, now: WallMs): Validity {
    if (this.#cancelled.has(registration.id)) return "cancelled";
    if (this.#settleAfterMs === null || now < registration.receivedMs + this.#settleAfterMs) return "pending";
    return this.remarks(registration, now).some((code) => invalidating.has(code)) ? "invalid" : "valid";
  }

  /** The first cancellation counts. */
  cancel(id: number, now: WallMs): void {
    if (!this.#cancelled.has(id)) this.#cancelled.set(id, now);
  }

  cancelledAt(id: number): WallMs | null {
    return this.#cancelled.get(id) ?? null;
  }

  /** What the service cannot compute for a while; see `troubleRemarks`. */
  addTrouble(trouble: Trouble): void {
    this.#troubles = [...this.#troubles, trouble].slice(-troublesMax);
  }

  /** Forgets all registrations; ids go on, so that none is given out twice. */
  forget(): void {
    this.#inOrder = [];
    this.#workers.clear();
    this.#shared.clear();
    this.#cancelled.clear();
  }

  #remarks(
    subject: RegistrationItem & { readonly id: number; readonly receivedMs: WallMs },
    history: WorkerHistory,
    now: WallMs,
  ): readonly RemarkCode[] {
    const previous = this.#lastStanding(history.all, subject);
    const lastIn = this.#lastStanding(history.ins, subject);
    const own = remarksOf(
      {
        type: subject.type,
        registrationMs: subject.registrationMs,
        receivedMs: subject.receivedMs,
        ssinKnown: isSsin(subject.ssin) && !this.#unknownSsins.has(subject.ssin),
        previousType: previous?.type ?? null,
        lastInMs: lastIn?.registrationMs ?? null,
      },
      this.#receiptLimitMs,
    );
    if (this.#settleAfterMs !== null && now < subject.receivedMs + this.#settleAfterMs) return own;
    const troubled = troubleRemarks(subject.receivedMs, now, this.#troubles);
    const looked = withoutUncomputed(lookedUpRemarks(subject, this.#registers), troubled);
    if (looked.length + troubled.length === 0) return own;
    return [...own, ...looked, ...troubled].toSorted((one, other) => one - other);
  }

  /** The last one before `subject` that was not cancelled. */
  #lastStanding(
    sorted: readonly Registration[],
    { registrationMs, id }: Pick<Registration, "registrationMs" | "id">,
  ): Registration | undefined {
    let place = positionOf(sorted, registrationMs, id) - 1;
    for (; place >= 0; place -= 1) if (!this.#cancelled.has(sorted[place]?.id ?? 0)) break;
    return sorted[place];
  }

  /** The map's own key is handed back too: a string cut from a parsed call would keep a copy per registration. */
  #historyOf(ssin: string): readonly [string, WorkerHistory] {
    const known = this.#workers.get(ssin);
    if (known !== undefined) return [known.all[0]?.ssin ?? ssin, known];
    const fresh: WorkerHistory = { all: [], ins: [] };
    this.#workers.set(ssin, fresh);
    return [ssin, fresh];
  }

  #share<T>(value: T): T {
    const key = JSON.stringify(value);
    const known = this.#shared.get(key);
    if (known !== undefined) return known as T;
    this.#shared.set(key, value);
    return value;
  }
}

/** How many of `sorted` come before a registration of this moment and id. */
function positionOf(sorted: readonly Registration[], registrationMs: WallMs, id: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = sorted[middle];
    const isBefore =
      other !== undefined &&
      (other.registrationMs < registrationMs || (other.registrationMs === registrationMs && other.id < id));
    if (isBefore) low = middle + 1;
    else high = middle;
  }
  return low;
}
