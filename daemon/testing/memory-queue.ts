import { assert, present, unreachable } from "../base/assert.ts";
import { type WallMs, wallMs } from "../base/time.ts";
import type {
  AttemptReport,
  Backlog,
  Claim,
  ClaimOrder,
  ClaimRequest,
  DoubtRule,
  DueScan,
  ForwardQueue,
  Remark,
  Settlement,
  Written,
} from "../forward/queue.ts";
import { due, type ReceiptDecision } from "../forward/receipt-window.ts";
import { isDoubtRipe } from "../forward/search-track.ts";
import type { ScanState } from "../scan/scan.ts";
import { fictionalSsin } from "./fictional-worker.ts";

/** A scan as a test sees it. */
export type QueuedScan = {
  readonly scanId: number;
  /** Index of the made-up worker. */
  readonly worker: number;
  readonly utcMs: WallMs;
  readonly state: ScanState;
  readonly reason: string | null;
  readonly registrationId: string | null;
  readonly remarks: readonly Remark[];
  readonly notBefore: WallMs | null;
  /** The call it is or was last in. */
  readonly attemptId: number | null;
  readonly doubtAttemptId: number | null;
  /** End of the last call that left it in doubt, until a search looked into it. */
  readonly doubtSince: WallMs | null;
  readonly doubtVerdict: "found" | "not-found" | null;
  readonly isReleased: boolean;
};

type Attempt = { readonly traceId: string; readonly report: AttemptReport | null };

/** The queue in memory, with the promises of the real one; the contract suite holds both to them. */
export class MemoryQueue implements ForwardQueue {
  readonly #scans: Map<number, QueuedScan> = new Map();
  readonly #attempts: Map<number, Attempt> = new Map();
  readonly #known: Set<number> = new Set();
  /** Thrown by the next calls, first one first; `null` lets one through. */
  readonly failures: (Error | null)[] = [];

  get scans(): readonly QueuedScan[] {
    return [...this.#scans.values()];
  }

  get attempts(): ReadonlyMap<number, Attempt> {
    return this.#attempts;
  }

  scan(scanId: number): QueuedScan {
    return present(this.#scans.get(scanId), "a test asks for a scan that it stored");
  }

  /** Stores a scan of a worker whom the roster knows. */
  record(worker: number, utcMs: number): number {
    this.#known.add(worker);
    return this.#store(worker, utcMs, "waiting");
  }

  recordUnknown(worker: number, utcMs: number): number {
    return this.#store(worker, utcMs, "unknown-badge");
  }

  /** The roster learns a worker's badge. */
  learn(worker: number): void {
    this.#known.add(worker);
  }

  release(scanId: number): void {
    this.#change(scanId, { state: "waiting", reason: null, isReleased: true });
  }

  async claim(request: ClaimRequest): Promise<Claim | null> {
    this.#fail();
    return await this.#claim(request);
  }

  async #claim(request: ClaimRequest): Promise<Claim | null> {
    assertLimit(request);
    const waiting = this.scans.filter((scan) => scan.state === "waiting");
    const { window, doubts = { kind: "send" }, order = { kind: "urgent" }, apart = [] } = request;
    const decide = ({ utcMs, isReleased, doubtSince }: QueuedScan): ReceiptDecision["kind"] => {
      const isToBeSearched = doubtSince !== null && doubts.kind !== "send";
      const limitMs = isReleased || isToBeSearched ? null : window.limitMs;
      return due({ ...window, limitMs, stamp: { utcMs, errorBoundMs: 0 } }).kind;
    };
    const isLate = (scan: QueuedScan): boolean => decide(scan) === "withhold";
    for (const { scanId } of waiting.filter(isLate)) {
      this.#change(scanId, { state: "withheld", reason: "past the receipt limit", notBefore: null });
    }
    const passed = new Set(this.scans.filter((scan) => scan.state === "sending").map((scan) => scan.worker));
    const ready: QueuedScan[] = [];
    for (const scan of waiting) {
      if (isLate(scan) || passed.has(scan.worker)) continue;
      passed.add(scan.worker);
      if (!isHandedOut(scan, doubts)) continue;
      if (request.isApartResting === true && doubts.kind !== "seek" && apart.includes(scan.scanId)) continue;
      const isPutOff = scan.notBefore !== null && scan.notBefore > request.now;
      if (!isPutOff && decide(scan) === "send") ready.push(scan);
    }
    if (ready.length === 0) return null;
    const byDoubt = (one: QueuedScan, other: QueuedScan): number => (one.doubtSince ?? 0) - (other.doubtSince ?? 0);
    const sorted =
      doubts.kind === "seek" ? ready.toSorted(byDoubt) : inOrder(lessApart(ready, apart, order), order, apart);
    const isAlone = doubts.kind !== "seek" && apart.includes(sorted[0]?.scanId ?? 0);
    const together = doubts.kind === "seek" ? sorted : sorted.filter(({ scanId }) => !apart.includes(scanId));
    const chosen = isAlone ? sorted.slice(0, 1) : together.slice(0, request.limit);
    const attemptId = this.#attempts.size + 1;
    this.#attempts.set(attemptId, { traceId: request.traceId, report: null });
    for (const { scanId } of chosen) this.#change(scanId, { state: "sending", attemptId, notBefore: null });
    const scans = chosen.map((scan) => (scan.isReleased ? dueScan(scan) : { ...dueScan(scan), errorBoundMs: 0 }));
    return { attemptId, scans };
  }

  async settle(attemptId: number, report: AttemptReport, settlements: readonly Settlement[]): Promise<void> {
    this.#fail();
    const attempt = present(this.#attempts.get(attemptId), "a settled attempt was claimed");
    if (attempt.report !== null) return;
    const open = new Set(this.#sendingOf(attemptId).map((scan) => scan.scanId));
    for (const { scanId } of settlements) assert(open.delete(scanId), "a settled scan is in its claim, once");
    assert(open.size === 0, "every scan of the claim is settled");
    this.#attempts.set(attemptId, { ...attempt, report });
    for (const settlement of settlements) this.#apply(attemptId, settlement, report.endedAt);
  }

  async settleAndClaim({ attemptId, report, settlements }: Written, request: ClaimRequest): Promise<Claim | null> {
    assertLimit(request);
    await this.settle(attemptId, report, settlements);
    // A failure that is due comes before both: here it would leave half of it done.
    return await this.#claim(request);
  }

  async recoverInterrupted(now: WallMs): Promise<number> {
    this.#fail();
    let recovered = 0;
    for (const [attemptId, attempt] of this.#attempts) {
      if (attempt.report !== null) continue;
      const report = {
        outcome: "interrupted",
        httpStatus: null,
        relatedTraceId: null,
        detail: "",
        endedAt: now,
      } as const;
      this.#attempts.set(attemptId, { ...attempt, report });
      for (const { scanId } of this.#sendingOf(attemptId)) {
        this.#apply(attemptId, { kind: "doubtful", scanId }, now);
        recovered += 1;
      }
    }
    return recovered;
  }

  async resolveUnknown(limit: number): Promise<number> {
    this.#fail();
    const learnt = this.scans.filter((scan) => scan.state === "unknown-badge" && this.#known.has(scan.worker));
    for (const { scanId } of learnt.slice(0, limit)) this.#change(scanId, { state: "waiting" });
    return Math.min(limit, learnt.length);
  }

  async backlog(): Promise<Backlog> {
    this.#fail();
    const waiting = this.scans.filter((scan) => scan.state === "waiting" || scan.state === "sending");
    const open = waiting.filter((scan) => scan.state === "waiting").flatMap((scan) => scan.doubtSince ?? []);
    const oldestDoubt = open.length === 0 ? null : wallMs(Math.min(...open));
    return { waiting: waiting.length, oldestUtcMs: waiting[0]?.utcMs ?? null, oldestDoubt };
  }

  #store(worker: number, utcMs: number, state: ScanState): number {
    const scanId = this.#scans.size + 1;
    this.#scans.set(scanId, {
      scanId,
      worker,
      utcMs: wallMs(utcMs),
      state,
      reason: null,
      registrationId: null,
      remarks: [],
      notBefore: null,
      attemptId: null,
      doubtAttemptId: null,
      doubtSince: null,
      doubtVerdict: null,
      isReleased: false,
    });
    return scanId;
  }

  #sendingOf(attemptId: number): readonly QueuedScan[] {
    return this.scans.filter((scan) => scan.state === "sending" && scan.attemptId === attemptId);
  }

  #apply(attemptId: number, settlement: Settlement, endedAt: WallMs): void {
    const { scanId } = settlement;
    switch (settlement.kind) {
      case "registered": {
        const { registrationId, remarks } = settlement;
        this.#change(scanId, { state: "registered", registrationId, remarks });
        if (settlement.foundBySearch) this.#change(scanId, { doubtSince: null, doubtVerdict: "found" });
        return;
      }
      case "not-found":
        this.#change(scanId, { state: "waiting", notBefore: null, doubtSince: null, doubtVerdict: "not-found" });
        return;
      case "unsearchable":
        this.#change(scanId, { state: "waiting", notBefore: null, doubtSince: null });
        return;
      case "refused":
        this.#change(scanId, { state: "refused", reason: settlement.reason });
        return;
      case "again":
        this.#change(scanId, { state: "waiting", notBefore: settlement.notBefore });
        return;
      case "doubtful": {
        const doubtAttemptId = this.scan(scanId).doubtAttemptId ?? attemptId;
        const notBefore = settlement.notBefore ?? null;
        this.#change(scanId, { state: "waiting", doubtAttemptId, notBefore, doubtSince: endedAt, doubtVerdict: null });
        return;
      }
      default:
        unreachable(settlement);
    }
  }

  #change(scanId: number, change: Partial<QueuedScan>): void {
    this.#scans.set(scanId, { ...this.scan(scanId), ...change });
  }

  #fail(): void {
    const failure = this.failures.shift() ?? null;
    if (failure !== null) throw failure;
  }
}

function assertLimit({ limit }: ClaimRequest): void {
  assert(limit >= 1 && limit <= 200, "a claim asks for 1 to 200 scans");
}

function lessApart(ready: readonly QueuedScan[], apart: readonly number[], order: ClaimOrder): readonly QueuedScan[] {
  const others = apart.filter((id) => !("among" in order && order.among.includes(id)));
  const turn = others.find((id) => ready.some(({ scanId }) => scanId === id));
  return ready.filter(({ scanId }) => scanId === turn || !others.includes(scanId));
}

function inOrder(ready: readonly QueuedScan[], order: ClaimOrder, apart: readonly number[]): readonly QueuedScan[] {
  const urgent = ready.toSorted((one, other) => one.utcMs - other.utcMs);
  if (order.kind === "urgent") return urgent;
  if (order.kind === "probing") {
    const suspects = urgent.filter(({ scanId }) => order.among.includes(scanId));
    const others = urgent.filter(({ scanId }) => !apart.includes(scanId));
    const fresh = others.filter(({ notBefore }) => notBefore === null);
    const tried = [suspects, fresh, others, urgent].find((turn) => turn.length > 0) ?? [];
    return tried.slice(Math.floor(order.place * tried.length));
  }
  if (order.kind === "untried") {
    const others = urgent.filter(({ scanId }) => !apart.includes(scanId));
    const untried = others.filter(({ doubtAttemptId }) => doubtAttemptId === null);
    const tried = [untried, others, urgent].find((turn) => turn.length > 0) ?? [];
    return tried.slice(Math.floor(order.place * tried.length));
  }
  const sorted = order.end === "latest" ? urgent.toReversed() : urgent;
  const turn = ({ scanId, notBefore }: QueuedScan): number => {
    if (order.among.includes(scanId)) return 0;
    if (apart.includes(scanId)) return 3;
    return notBefore === null ? 1 : 2;
  };
  return sorted.toSorted((one, other) => turn(one) - turn(other));
}

function isHandedOut({ doubtSince }: QueuedScan, rule: DoubtRule): boolean {
  if (rule.kind === "send") return true;
  if (rule.kind === "hold") return doubtSince === null;
  return doubtSince !== null && isDoubtRipe(doubtSince, rule.endedBefore);
}

/** What the service needs of a made-up worker's scan. */
export function dueScan({ scanId, worker, utcMs }: Pick<QueuedScan, "scanId" | "worker" | "utcMs">): DueScan {
  return {
    scanId,
    workerId: worker,
    ssin: fictionalSsin(worker),
    employer: { kind: "enterprise-number", number: "0566988259" },
    direction: "in",
    utcMs,
    place: { kind: "coordinates", latitude: 50.85, longitude: 4.35 },
    declarationOfWorks: "1Y1003SQ5VSSZ",
  };
}
