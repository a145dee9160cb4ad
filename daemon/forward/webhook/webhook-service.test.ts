import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import type { Log } from "../../base/log.ts";
import { silentLog } from "../../base/log.ts";
import { seededRandom } from "../../base/random.ts";
import { systemTime } from "../../base/system-time.ts";
import { type MonotonicNs, monotonicNs, wallMs } from "../../base/time.ts";
import { FileToken, noToken } from "../ciao/token.ts";
import { forwardEvents } from "../events.ts";
import type { WebhookCursor, WebhookScan } from "./cursor.ts";
import { type DeliveryOutcome, deliveryMaxScans } from "./delivery.ts";
import {
  type FollowerAction,
  type FollowerInput,
  type FollowerState,
  initialFollower,
  skipsInARowMax,
  stepFollower,
} from "./follower.ts";
import { haltingAloneMax, haltingManyMax, haltingRoundsMax } from "./halting-scan.ts";
import { WebhookService } from "./webhook-service.ts";

class MemoryCursor implements WebhookCursor {
  storeId = "store-1";
  /** The store's id that came with each move. */
  readonly readFrom: string[] = [];
  readonly skips: { readonly scanId: number; readonly reason: string }[] = [];
  readonly #scans: WebhookScan[] = [];
  position = 0;
  /** Called after each move. */
  onAdvance: () => void = () => {};

  add(count: number): void {
    for (let added = 0; added < count; added += 1) {
      this.#scans.push({
        scanId: this.#scans.length + 1,
        readerId: "gate",
        badgeNumber: "7E00000001",
        workerReference: null,
        direction: "in",
        utcMs: wallMs(1_780_000_000_000),
        errorBoundMs: 20,
        state: "registered",
      });
    }
  }

  async next(_target: string, limit: number): Promise<readonly WebhookScan[]> {
    return this.#scans.filter((scan) => scan.scanId > this.position).slice(0, limit);
  }

  async advance(
    _target: string,
    scanId: number,
    skipped: { readonly scanId: number; readonly reason: string } | null,
    readFrom: string,
  ): Promise<void> {
    this.readFrom.push(readFrom);
    this.position = Math.max(this.position, scanId);
    if (skipped !== null) this.skips.push(skipped);
    this.onAdvance();
  }
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Delivery = {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly ids: readonly number[];
  readonly store: string;
};

/** An employer's system that answers each delivery with a status. */
async function receiver(statusOf: (delivery: Delivery, call: number) => number) {
  const deliveries: Delivery[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      const { store, scans } = JSON.parse(body) as { store: string; scans: { scanId: number }[] };
      const delivery = { headers: request.headers, body, ids: scans.map(({ scanId }) => scanId), store };
      deliveries.push(delivery);
      response.writeHead(statusOf(delivery, deliveries.length)).end("said so");
    });
  });
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, deliveries };
}

function serviceOf(url: string, cursor: WebhookCursor, token = noToken, log: Log = silentLog): WebhookService {
  const ports = { cursor, token, time: systemTime, random: () => 0, log };
  const service = new WebhookService(ports, { name: "payroll", url, timeoutMs: 5_000 });
  cleanups.push(() => service[Symbol.asyncDispose]());
  return service;
}

/** Resolves when the cursor has come to `scanId`. */
function reached(cursor: MemoryCursor, scanId: number): Promise<void> {
  return new Promise((resolve) => {
    cursor.onAdvance = () => cursor.position >= scanId && resolve();
  });
}

describe("against a real receiver", () => {
  test("all scans are delivered once, in order, at most a hundred at a time", async () => {
    const cursor = new MemoryCursor();
    cursor.add(250);
    const { url, deliveries } = await receiver(() => 204);
    const done = reached(cursor, 250);
    serviceOf(url, cursor, new FileToken(async () => "hook-token")).start();
    await done;
    expect(deliveries.map((delivery) => delivery.ids.length)).toEqual([deliveryMaxScans, deliveryMaxScans, 50]);
    expect(deliveries.flatMap((delivery) => delivery.ids)).toEqual(
      Array.from({ length: 250 }, (_, index) => index + 1),
    );
    expect(deliveries[1]).toMatchObject({
      store: "store-1",
      headers: {
        "idempotency-key": expect.stringMatching(/^store-1-101-200-/),
        "content-type": "application/json",
        authorization: "Bearer hook-token",
      },
    });
  });

  test("scans keep the name of the store that they were read from, should it change while they are delivered", async () => {
    const cursor = new MemoryCursor();
    cursor.add(1);
    const { url, deliveries } = await receiver(() => {
      cursor.storeId = "store-2";
      return 200;
    });
    const done = reached(cursor, 1);
    const service = serviceOf(url, cursor);
    service.start();
    await done;
    cursor.add(1);
    const again = reached(cursor, 2);
    service.wake();
    await again;
    expect(deliveries.map(({ store }) => store)).toEqual(["store-1", "store-2"]);
    expect(cursor.readFrom).toEqual(["store-1", "store-2"]);
  });

  test("a scan stored later is delivered when somebody wakes the webhook", async () => {
    const cursor = new MemoryCursor();
    const { url, deliveries } = await receiver(() => 200);
    const service = serviceOf(url, cursor);
    service.start();
    cursor.add(1);
    const done = reached(cursor, 1);
    service.wake();
    await done;
    expect(deliveries).toHaveLength(1);
    expect(service.status).toEqual({ state: "reachable", lastOutcome: "accepted", retryInMs: null });
  });

  test("one scan that it refuses costs itself alone", async () => {
    const cursor = new MemoryCursor();
    cursor.add(5);
    const { url, deliveries } = await receiver(({ ids }) => (ids.includes(3) ? 422 : 200));
    const done = reached(cursor, 5);
    serviceOf(url, cursor).start();
    await done;
    expect(cursor.skips).toEqual([{ scanId: 3, reason: "status 422: said so" }]);
    expect(deliveries.map((delivery) => delivery.ids)).toEqual([[1, 2, 3, 4, 5], [1], [2], [3], [4], [5]]);
  });

  test("one scan that it breaks on costs itself alone", async () => {
    const cursor = new MemoryCursor();
    cursor.add(5);
    const { url, deliveries } = await receiver(({ ids }) => (ids.includes(3) ? 500 : 200));
    const done = reached(cursor, 5);
    serviceOf(url, cursor).start();
    await done;
    expect(cursor.skips).toEqual([{ scanId: 3, reason: "status 500, again and again, while it took another" }]);
    const taken = deliveries.filter(({ ids }) => !ids.includes(3)).flatMap(({ ids }) => ids);
    expect(taken).toEqual([1, 2, ...Array(haltingRoundsMax).fill(4), 4, 5]);
  });

  test("an error is tried again with the same key, and skips nothing", async () => {
    const cursor = new MemoryCursor();
    cursor.add(2);
    const { url, deliveries } = await receiver((_, call) => (call <= 3 ? 503 : 200));
    const done = reached(cursor, 2);
    serviceOf(url, cursor).start();
    await done;
    expect(cursor.skips).toEqual([]);
    const keys = deliveries.map((delivery) => delivery.headers["idempotency-key"]);
    expect(keys).toEqual(Array(4).fill(expect.stringMatching(/^store-1-1-2-/)));
    expect(new Set(keys).size).toBe(1);
  });

  test.each([
    [401, "reachable", "call-refused"],
    [302, "reachable", "call-refused"],
    [503, "not-reachable", "failed"],
  ] as const)("a receiver that answers %i is told as %s", async (status, state, lastOutcome) => {
    const cursor = new MemoryCursor();
    cursor.add(1);
    const { url } = await receiver(() => status);
    const failed = Promise.withResolvers<void>();
    const log: Log = { ...silentLog, warn: () => failed.resolve() };
    const service = serviceOf(url, cursor, noToken, log);
    service.start();
    await failed.promise;
    expect(service.status).toMatchObject({ state, lastOutcome });
    expect(cursor.position).toBe(0);
  });

  test("a scan that is registered between two deliveries is not lost on a receiver that refuses a used key", async () => {
    const cursor = new MemoryCursor();
    cursor.add(1);
    const used = new Map<unknown, string>();
    const { url, deliveries } = await receiver(({ body, headers }, call) => {
      const key = headers["idempotency-key"];
      if ((used.get(key) ?? body) !== body) return 422;
      used.set(key, body);
      return call === 1 ? 503 : 204;
    });
    const done = reached(cursor, 1);
    const next = cursor.next.bind(cursor);
    let state: WebhookScan["state"] = "waiting";
    cursor.next = async (target, limit) => {
      const read = await next(target, limit);
      const told = read.map((scan) => ({ ...scan, state }));
      state = "registered";
      return told;
    };
    serviceOf(url, cursor).start();
    await done;
    expect(cursor.skips).toEqual([]);
    expect(deliveries.map(({ ids }) => ids)).toEqual([[1], [1]]);
  });
});

test("a delivery that cannot be made is a failed one: logged, tried again, and skips nothing", async () => {
  const cursor = new MemoryCursor();
  cursor.add(1);
  const { url, deliveries } = await receiver(() => 200);
  const logged: string[] = [];
  const keep = (_: object, message: string): number => logged.push(message);
  const done = reached(cursor, 1);
  let broken = 2;
  const next = cursor.next.bind(cursor);
  // A time that no text can be made of, as of a damaged row.
  cursor.next = async (target, limit) => {
    const scans = await next(target, limit);
    broken -= 1;
    return broken < 0 ? scans : scans.map((scan) => ({ ...scan, utcMs: wallMs(9e15) }));
  };
  const service = serviceOf(url, cursor, noToken, { ...silentLog, error: keep, warn: keep });
  service.start();
  await done;
  const { webhookDefect, webhookFailed } = forwardEvents;
  expect(logged).toEqual([webhookDefect, webhookFailed, webhookDefect, webhookFailed]);
  expect(deliveries.map(({ ids }) => ids)).toEqual([[1]]);
  expect(cursor.skips).toEqual([]);
});

const refused: DeliveryOutcome = { kind: "refused", reason: "no", httpStatus: 422 };
const failed: DeliveryOutcome = { kind: "failed", detail: "down", httpStatus: null, retryAfterMs: null };
const brokenOff: DeliveryOutcome = { ...failed, httpStatus: 500 };
const half = (): number => 0.5;
const scans = (...ids: readonly number[]): readonly WebhookScan[] =>
  ids.map((scanId) => ({
    scanId,
    readerId: "gate",
    badgeNumber: "1",
    workerReference: null,
    direction: null,
    utcMs: wallMs(0),
    errorBoundMs: null,
    state: "unknown-badge",
  }));

function play(inputs: readonly FollowerInput[], from: FollowerState = initialFollower) {
  let state = from;
  let last: readonly FollowerAction[] = [];
  for (const input of inputs) {
    const next = stepFollower(state, input, monotonicNs(1_000_000_000n) as MonotonicNs, half);
    state = next.state;
    last = next.actions.filter((action) => action.kind !== "log");
  }
  return { state, last };
}

const woken: FollowerInput = { kind: "woken" };
const read = (...ids: readonly number[]): FollowerInput => ({ kind: "read", scans: scans(...ids) });
const ended = (outcome: DeliveryOutcome): FollowerInput => ({ kind: "ended", outcome });
const broken: FollowerInput = { kind: "store-failed", error: new Error("disk full") };
const accepted: DeliveryOutcome = { kind: "accepted" };

/** Plays against a receiver that answers by itself, until `deliveries` were made or nothing is left. */
function deliver(
  count: number,
  statusOf: (ids: readonly number[], delivery: number, seconds: number) => number,
  deliveriesMax: number,
  retryAfterMs: number | null = null,
) {
  const [posts, skipped, delivered]: [number[][], string[], Set<number>] = [[], [], new Set()];
  let [position, nowNs, state] = [0, 1n, initialFollower];
  let input: FollowerInput | null = woken;
  while (input !== null && posts.length < deliveriesMax) {
    const next = stepFollower(state, input, monotonicNs(nowNs), half);
    state = next.state;
    input = null;
    for (const action of next.actions) {
      if (action.kind === "read") {
        const left = Array.from({ length: count - position }, (_, index) => position + index + 1);
        input = read(...left.slice(0, action.limit));
      } else if (action.kind === "post") {
        const ids = action.scans.map(({ scanId }) => scanId);
        posts.push(ids);
        const httpStatus = statusOf(ids, posts.length, Number(nowNs / 1_000_000_000n));
        if (httpStatus < 300) for (const id of ids) delivered.add(id);
        const detail = httpStatus === 0 ? "connection refused" : `status ${httpStatus}`;
        const failure = { kind: "failed", detail, httpStatus: httpStatus || null, retryAfterMs } as const;
        input = ended(httpStatus < 300 && httpStatus >= 200 ? accepted : httpStatus === 422 ? refused : failure);
      } else if (action.kind === "advance") {
        position = action.advance.scanId;
        if (action.advance.skipped !== null) skipped.push(`${position}: ${action.advance.skipped.reason}`);
        input = { kind: "advanced" };
      } else if (action.kind === "rest") {
        nowNs += BigInt(Math.ceil(action.delayMs * 1e6)) + 1n;
        input = { kind: "rested" };
      }
    }
  }
  return { posts, skipped, delivered, minutes: Number(nowNs / 60_000_000_000n), position };
}

describe("a receiver that breaks on one scan", () => {
  test("gets all others, and this one again and again before it is skipped", () => {
    const { skipped, delivered, posts, minutes } = deliver(250, (ids) => (ids.includes(42) ? 500 : 200), 1_000);
    expect(delivered.size).toBe(249);
    expect(skipped).toEqual([expect.stringMatching(/^42: status 500, .* while it took another$/)]);
    const inRounds = (haltingRoundsMax * (haltingRoundsMax + 1)) / 2;
    expect(posts.filter((ids) => ids.includes(42))).toHaveLength(haltingManyMax + haltingAloneMax + inRounds);
    expect(minutes).toBeGreaterThan(20);
  });

  test("has no scan skipped for an outage, however long and in whatever words", () => {
    for (const outage of [500, 503, 0]) {
      const { skipped, delivered } = deliver(250, (_, delivery) => (delivery <= 300 ? outage : 200), 1_000);
      expect({ skipped, delivered: delivered.size }).toEqual({ skipped: [], delivered: 250 });
    }
  });

  test("has no scan skipped where, back from an outage, it tells by a 503 that deliveries come too fast", () => {
    const outage = 40;
    let takenAt = Number.NEGATIVE_INFINITY;
    const limiting = (_: readonly number[], delivery: number, seconds: number): number => {
      if (delivery <= outage || seconds < takenAt + 1) return 503;
      takenAt = seconds;
      return 200;
    };
    const { skipped, delivered } = deliver(250, limiting, 1_000);
    expect({ skipped, delivered: delivered.size }).toEqual({ skipped: [], delivered: 250 });
  });

  test.each([2, 3, 4, 5])("has no scan skipped where, back from an outage, it takes one delivery in %i", (backends) => {
    for (let well = 0; well < backends; well += 1) {
      const balanced = (_: readonly number[], delivery: number): number =>
        delivery > 40 && delivery % backends === well ? 200 : 502;
      expect(deliver(250, balanced, 2_000).skipped).toEqual([]);
    }
  });

  test("has no scan skipped on which it breaks only until a moment that it names", () => {
    const { skipped, posts } = deliver(3, (ids) => (ids.includes(1) ? 503 : 200), 200, 1_000);
    expect({ skipped, posts: posts.length }).toEqual({ skipped: [], posts: 200 });
  });

  test("gets all others though it breaks on several in a row, and refuses the one behind them", () => {
    const receiver = ([id]: readonly number[]): number => (id === 42 || id === 43 ? 500 : id === 44 ? 422 : 200);
    const statusOf = (ids: readonly number[]): number => Math.max(...ids.map((id) => receiver([id])));
    const { skipped, delivered } = deliver(50, statusOf, 1_000);
    expect(skipped.map((skip) => skip.slice(0, 2))).toEqual(["42", "43", "44"]);
    expect(delivered.size).toBe(47);
  });

  test("has it skipped only where it breaks on it once more after it took another", () => {
    let isBack = false;
    const { skipped, delivered } = deliver(
      3,
      (ids) => {
        if (ids.length === 1 && ids[0] === 2) isBack = true;
        return isBack ? 200 : 500;
      },
      1_000,
    );
    expect({ skipped, delivered: [...delivered] }).toEqual({ skipped: [], delivered: [2, 1, 3] });
  });

  test("has it skipped by no break but those in rounds in a row, each after it took another", () => {
    let others = 0;
    const { skipped, delivered, posts } = deliver(
      3,
      (ids) => {
        if (ids[0] === 1) return 500;
        others += 1;
        return others % haltingRoundsMax === 0 ? 503 : 200;
      },
      200,
    );
    expect({ skipped, delivered: [...delivered], posts: posts.length }).toEqual({
      skipped: [],
      delivered: [2, 3],
      posts: 200,
    });
  });

  test("is only waited for where no other scan is there to tell", () => {
    const { skipped, posts } = deliver(1, () => 500, 100);
    expect({ skipped, posts: posts.length }).toEqual({ skipped: [], posts: 100 });
  });

  test("and at times cannot be reached has none skipped before it broke on it often enough in between", () => {
    const sometimes = (_: readonly number[], delivery: number): number => (delivery % 5 === 0 ? 0 : 500);
    expect(deliver(3, sometimes, 300).skipped).toEqual([]);
  });
});

describe("each phase answers each input", () => {
  test.each<[string, readonly FollowerInput[], string, readonly string[]]>([
    ["idle is woken", [woken], "reading", ["read"]],
    ["idle is stopped", [{ kind: "stop" }], "stopped", []],
    ["reading finds none", [woken, read()], "idle", []],
    ["reading is woken and finds none", [woken, woken, read()], "reading", ["read"]],
    ["reading finds scans", [woken, read(1)], "posting", ["post"]],
    ["reading finds scans once stopped", [woken, { kind: "stop" }, read(1)], "stopped", []],
    ["reading fails", [woken, broken], "resting", ["rest"]],
    ["posting is woken", [woken, read(1), woken], "posting", []],
    ["posting is accepted", [woken, read(1, 2), ended(accepted)], "advancing", ["advance"]],
    ["posting of several is refused", [woken, read(1, 2), ended(refused)], "reading", ["read"]],
    ["posting of one is refused", [woken, read(1), ended(refused)], "advancing", ["advance"]],
    ["posting fails", [woken, read(1), ended(failed)], "resting", ["rest"]],
    ["posting fails once stopped", [woken, read(1), { kind: "stop" }, ended(failed)], "stopped", []],
    ["resting is woken", [woken, read(1), ended(failed), woken], "resting", []],
    ["advancing fails", [woken, read(1), ended(accepted), broken], "advancing", ["rest"]],
    [
      "advancing is tried again",
      [woken, read(1), ended(accepted), broken, { kind: "rested" }],
      "advancing",
      ["advance"],
    ],
    ["advancing is woken", [woken, read(1), ended(accepted), broken, woken], "advancing", []],
    ["advancing succeeds", [woken, read(1), ended(accepted), { kind: "advanced" }], "reading", ["read"]],
    ["advancing is stopped", [woken, read(1), ended(accepted), broken, { kind: "stop" }], "advancing", ["advance"]],
    ["stopped is woken", [{ kind: "stop" }, woken], "stopped", []],
  ])("%s", (_, inputs, phase, actions) => {
    const { state, last } = play(inputs);
    expect(state.phase.kind).toBe(phase);
    expect(last.map((action) => action.kind)).toEqual(actions);
  });
});

test("what a receiver says of a scan that it refuses is kept, and not logged: it may repeat the badge", () => {
  const posting = play([woken, read(1)]).state;
  const { actions } = stepFollower(
    posting,
    ended({ ...refused, reason: "no badge 7E00000001" }),
    monotonicNs(0n),
    half,
  );
  const logged = JSON.stringify(actions.filter(({ kind }) => kind === "log"));
  expect(logged).toContain("422");
  expect(logged).not.toContain("7E00000001");
});

test("a receiver that refuses everything costs one scan a backoff, not the history at once", () => {
  let { state } = play([woken]);
  const phases: string[] = [];
  for (let scanId = 1; scanId <= skipsInARowMax + 2; scanId += 1) {
    ({ state } = play([read(scanId), ended(refused), { kind: "advanced" }], state));
    phases.push(state.phase.kind);
    if (state.phase.kind === "resting") state = { ...state, phase: { kind: "reading" } };
  }
  expect(phases).toEqual(["reading", "reading", "resting", "resting", "resting"]);
});

test("whatever a receiver and the store do, the cursor passes every scan in order, none unaccepted but those refused alone", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 30 }),
      fc.array(fc.constantFrom("accepted", "refused", "failed", "broken", "store"), { maxLength: 40 }),
      fc.integer(),
      (count, script, seed) => {
        const random = seededRandom(seed);
        const all = scans(...Array.from({ length: count }, (_, index) => index + 1));
        const taken = new Set<number>();
        const skipped = new Set<number>();
        let position = 0;
        let nowNs = 1n;
        let state = initialFollower;
        let input: FollowerInput | null = woken;
        for (let steps = 0; input !== null && steps < 2_000; steps += 1) {
          const next = stepFollower(state, input, monotonicNs(nowNs), random);
          state = next.state;
          input = null;
          for (const action of next.actions) {
            const fate = script[steps];
            if (action.kind === "read") {
              const found = all.filter((scan) => scan.scanId > position).slice(0, action.limit);
              input = fate === "store" ? broken : { kind: "read", scans: found };
            } else if (action.kind === "advance") {
              if (fate === "store") input = broken;
              else {
                expect(action.advance.scanId).toBeGreaterThan(position);
                position = action.advance.scanId;
                if (action.advance.skipped !== null) skipped.add(action.advance.skipped.scanId);
                input = { kind: "advanced" };
              }
            } else if (action.kind === "post") {
              const outcome =
                fate === "refused" ? refused : fate === "failed" ? failed : fate === "broken" ? brokenOff : accepted;
              if (outcome.kind === "accepted") for (const scan of action.scans) taken.add(scan.scanId);
              input = ended(outcome);
            } else if (action.kind === "rest") {
              nowNs += BigInt(Math.ceil(action.delayMs * 1e6)) + 1n;
              input = { kind: "rested" };
            }
          }
        }
        expect(position).toBe(count);
        expect(all.every((scan) => taken.has(scan.scanId) || skipped.has(scan.scanId))).toBe(true);
      },
    ),
  );
});
