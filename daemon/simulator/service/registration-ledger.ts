import { isSsin } from "../../base/identifiers.ts";
import type { WallMs } from "../../base/time.ts";
import type { Registration, RegistrationItem, RemarkCode } from "./registration.ts";
import { remarksOf } from "./remarks.ts";

/** A million is what the bench asks for; past twice that the simulator says it is full instead of growing on. */
export const registrationsMax = 2_000_000;

/** A worker's registrations by registration date; those of one second keep the order in which they were received. */
type WorkerHistory = { readonly all: Registration[]; readonly ins: Registration[] };

/**
 * Everything the simulated service holds, in memory. An index per worker keeps each acceptance at O(log n); employers
 * and places repeat on every item and are kept once, about 200 bytes a registration remain.
 */
export class RegistrationLedger {
  readonly #receiptLimitMs: number | null;
  readonly #unknownSsins: ReadonlySet<string>;
  readonly #workers = new Map<string, WorkerHistory>();
  readonly #shared = new Map<string, unknown>();
  #inOrder: Registration[] = [];
  #nextId = 1;

  /** @param unknownSsins SSINs with right check digits that the service pretends not to know */
  constructor(receiptLimitMs: number | null, unknownSsins: ReadonlySet<string>) {
    this.#receiptLimitMs = receiptLimitMs;
    this.#unknownSsins = unknownSsins;
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
      remarksAtReceipt: this.#share(this.#remarks({ ...item, receivedMs, id }, history)),
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

  /** The remarks as they stand now, with everything that arrived since. */
  remarks(registration: Registration): readonly RemarkCode[] {
    return this.#remarks(registration, this.#historyOf(registration.ssin)[1]);
  }

  /** Forgets all registrations; ids go on, so that none is given out twice. */
  forget(): void {
    this.#inOrder = [];
    this.#workers.clear();
    this.#shared.clear();
  }

  #remarks(subject: RegistrationItem & { readonly id: number; readonly receivedMs: WallMs }, history: WorkerHistory) {
    const previous = history.all[positionOf(history.all, subject.registrationMs, subject.id) - 1];
    const lastIn = history.ins[positionOf(history.ins, subject.registrationMs, subject.id) - 1];
    return remarksOf(
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
