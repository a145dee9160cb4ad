import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemTime } from "../../base/system-time.ts";
import { type WallMs, wallMs } from "../../base/time.ts";
import type { StoreCore } from "../../store/store-core.ts";
import { ManualTime } from "../../testing/manual-time.ts";
import {
  at,
  claimSome,
  draftOf,
  minuteMs,
  preparedCore,
  type RecordingLog,
  recordId,
  recordingLog,
  registered,
  rosterOf,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../../testing/store-fixture.ts";
import { CiaoRegistrations, registrationPath } from "../ciao/registration-reader.ts";
import { noToken } from "../ciao/token.ts";
import type { LateJudgement } from "../receipt-guard.ts";
import { giveWayMaxMs, notToBeHadMs } from "./follow-pace.ts";
import type { Look, RegistrationReader } from "./follow-up.ts";
import { type FollowerPorts, followEvents, RemarkFollower } from "./remark-follower.ts";

let directory: TemporaryDirectory;
let core: StoreCore;
let time: ManualTime;
let log: RecordingLog;
let waiting: number;
let judged: LateJudgement[];
let throttled: number[];
let quietUntilMs: number;
let asked: { readonly id: string; readonly atMs: number }[];
let answer: (id: string) => Look;
let follower: RemarkFollower;
let trusted: boolean;
/** How far the clock that is vouched for is from the one that drives the timers. */
let clockOffMs: number;

const hourMs = 60 * minuteMs;
const found = (validity: string | null, ...codes: readonly number[]): Look => ({
  kind: "found",
  validity,
  remarks: codes.map((code) => ({ code, text: `remark ${code}` })),
});
const failed = (kind: Exclude<Look["kind"], "found">, retryAfterMs: number | null = null): Look => ({
  kind,
  retryAfterMs,
  detail: "as told",
});

const scripted: RegistrationReader = {
  read: async ({ registrationId: id }) => {
    asked.push({ id, atMs: time.wallMs() });
    return answer(id);
  },
};

function followerOver(reader: RegistrationReader): RemarkFollower {
  const ports: FollowerPorts = {
    store: {
      dueFollowUps: async (now, limit, order) => core.followUps.due(now, limit, order),
      keepLook: async (look) => core.followUps.keep(look),
      followCounts: async () => core.followUps.counts(),
    },
    reader,
    toBeSent: async () => waiting,
    now: () => (trusted ? wallMs(time.wallMs() + clockOffMs) : null),
    onJudged: async (receipt) => void judged.push(receipt),
    quietMs: () => Math.max(0, quietUntilMs - time.wallMs()),
    onThrottled: (forMs) => void throttled.push(forMs),
    time,
    random: () => 0.5,
    log,
  };
  return new RemarkFollower(ports, "Europe/Brussels");
}

beforeEach(() => {
  directory = temporaryDirectory();
  core = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3, 4, 5, 6));
  time = new ManualTime(at(0));
  log = recordingLog();
  quietUntilMs = 0;
  [waiting, judged, throttled, asked, trusted, clockOffMs] = [0, [], [], [], true, 0];
  answer = () => found("pending");
  follower = followerOver(scripted);
});
afterEach(async () => {
  await follower[Symbol.asyncDispose]();
  core[Symbol.dispose]();
  directory[Symbol.dispose]();
});

/** Registers a scan of each worker at `minutes`, all in one call. */
function register(minutes: number, ...workers: readonly number[]): readonly number[] {
  const ids = workers.map((worker) => recordId(core, draftOf(worker, minutes)));
  const { attemptId } = claimSome(core, { now: at(minutes) });
  const endedAt: WallMs = at(minutes);
  const report = { outcome: "answered", httpStatus: 200, relatedTraceId: null, detail: "", endedAt } as const;
  core.settle(attemptId, report, ids.map(registered));
  return ids;
}

const said = (message: string): readonly object[] =>
  log.lines.filter((line) => line.message === message).map(({ fields }) => fields);

test("a registration is followed over days until it is settled and the night after has passed", async () => {
  register(0, 1);
  answer = () => found(asked.length < 4 ? "pending" : "valid", ...(asked.length < 3 ? [] : [1]));
  follower.start();
  await time.advance(48 * hourMs);
  const minutes = asked.map(({ atMs }) => Math.round((atMs - at(0)) / minuteMs));
  expect(minutes.slice(0, 4)).toEqual([5, 20, 80, 440]);
  expect(asked).toHaveLength(5);
  expect(core.followUps.counts()).toEqual({ followed: 0, settled: 1, givenUp: 0 });
  expect(core.show(1)).toMatchObject({ state: "registered" });
  expect(core.remarks.list({ openOnly: true, seenFrom: null, limit: 9 })).toMatchObject([{ code: 1, scanId: 1 }]);
  expect(said(followEvents.remarked)).toEqual([{ scanId: 1, remarks: [1] }]);
});

test("looks leave at least two seconds between them, however many are due", async () => {
  register(0, 1, 2, 3, 4, 5, 6);
  follower.start();
  await time.advance(6 * minuteMs);
  const gaps = asked.slice(1).map(({ atMs }, index) => atMs - (asked[index]?.atMs ?? 0));
  expect(asked).toHaveLength(6);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(2_000);
});

describe("registering goes first", () => {
  test("nothing is asked before the time that another call was told to stay away for", async () => {
    register(0, 1, 2);
    follower.start();
    quietUntilMs = at(30);
    await time.advance(30 * minuteMs - 1);
    expect(asked).toEqual([]);
    expect(follower.status).toEqual({ state: "gives-way", why: null });
    await time.advance(minuteMs);
    expect(asked).toHaveLength(2);
  });

  test("nothing is asked while scans wait to be sent", async () => {
    register(0, 1);
    waiting = 3;
    follower.start();
    await time.advance(30 * minuteMs);
    expect(asked).toEqual([]);
    expect(follower.status).toEqual({ state: "gives-way", why: null });
    waiting = 0;
    await time.advance(minuteMs);
    expect(asked).toHaveLength(1);
  });

  test("a scan that never goes through does not keep remarks from being seen", async () => {
    register(0, 1, 2, 3);
    waiting = 1;
    follower.start();
    await time.advance(giveWayMaxMs + 3 * minuteMs);
    const gaps = asked.slice(1).map(({ atMs }, index) => atMs - (asked[index]?.atMs ?? 0));
    expect(asked.length).toBeGreaterThanOrEqual(2);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(minuteMs);
  });
});

test("429 stops all looks for as long as the service asks, once it is told", async () => {
  register(0, 1, 2, 3);
  answer = () => failed("throttled", 2 * hourMs);
  follower.start();
  await time.advance(6 * minuteMs);
  expect(asked).toHaveLength(1);
  expect(follower.status).toEqual({ state: "resting", why: "throttled" });
  expect(throttled).toEqual([2 * hourMs]);
  await time.advance(hourMs);
  expect(asked).toHaveLength(1);
  answer = () => found("pending");
  await time.advance(hourMs);
  expect(new Set(asked.map(({ id }) => id)).size).toBe(3);
  expect(said(followEvents.failed)).toHaveLength(1);
  expect(said(followEvents.again)).toHaveLength(1);
});

test("a service that does not offer it is asked once a day, and the log says so once", async () => {
  register(0, 1, 2, 3, 4, 5);
  answer = () => failed("not-found");
  follower.start();
  await time.advance(hourMs);
  expect(asked).toHaveLength(3);
  expect(follower.status).toEqual({ state: "not-to-be-had", why: "not-found" });
  await time.advance(2 * notToBeHadMs);
  expect(asked).toHaveLength(5);
  expect(said(followEvents.notToBeHad)).toHaveLength(1);
});

test.each(["not-found", "forbidden"] as const)(
  "registrations of a trial, now %s, hold up no others for days",
  async (kind) => {
    const unknown = Array.from({ length: 20 }, (_, round) => register(2 * round, 1, 2, 3, 4, 5, 6)).flat();
    const [known] = register(40, 1);
    answer = (id) => (unknown.some((scanId) => id === `r${scanId}`) ? failed(kind) : found("valid", 1));
    follower.start();
    await time.advance(25 * hourMs);
    expect(core.remarks.list({ openOnly: true, seenFrom: null, limit: 9 })).toMatchObject([{ code: 1, scanId: known }]);
    register(25 * 60, 2, 3, 4, 5, 6);
    await time.advance(25 * hourMs);
    expect(core.remarks.list({ openOnly: true, seenFrom: null, limit: 9 })).toHaveLength(6);
  },
);

test("one registration on which the service breaks does not hold up the others", async () => {
  const [broken] = register(0, 1);
  register(1, 2, 3);
  answer = (id) => (id === `r${broken}` ? failed("server-error") : found("pending"));
  follower.start();
  await time.advance(20 * minuteMs);
  expect(new Set(asked.map(({ id }) => id)).size).toBe(3);
});

test("of a registration that is another one nothing is taken over, and the log says so", async () => {
  register(0, 1);
  register(1, 2);
  const other: Look = { kind: "another-registration", retryAfterMs: null, detail: "what was sent differs in worker" };
  answer = (id) => (id === "r1" ? other : found("valid", 1));
  follower.start();
  await time.advance(20 * minuteMs);
  expect(core.remarks.list({ openOnly: true, seenFrom: null, limit: 9 })).toMatchObject([{ code: 1, scanId: 2 }]);
  expect(judged.map(({ registeredAt }) => registeredAt)).toEqual([at(1)]);
  expect(said(followEvents.another)[0]).toEqual({ scanId: 1, detail: other.detail });
  expect(core.followUps.due(at(100_000), 9).find(({ scanId }) => scanId === 1)).toMatchObject({ settledAt: null });
});

describe("what the service judges teaches the receipt limit", () => {
  test("remark 32 on a registration that was pending, with an alarm", async () => {
    register(0, 1);
    answer = () => found("pending", 32);
    follower.start();
    await time.advance(hourMs);
    expect(judged).toEqual([{ registeredAt: at(0), sentAt: at(0), answeredAt: at(0), remark32: true }]);
    expect(said(followEvents.receiptRemark)).toEqual([{ scanId: 1 }]);
  });

  test("and a registration that is settled without it, once", async () => {
    register(0, 1);
    answer = () => found("valid");
    follower.start();
    await time.advance(48 * hourMs);
    expect(judged).toEqual([{ registeredAt: at(0), sentAt: at(0), answeredAt: at(0), remark32: false }]);
  });
});

describe("the clock", () => {
  test("nothing is asked while nothing vouches for the time", async () => {
    register(0, 1);
    trusted = false;
    follower.start();
    await time.advance(hourMs);
    expect(asked).toEqual([]);
    expect(follower.status.state).toBe("clockless");
    trusted = true;
    await time.advance(2 * minuteMs);
    expect(asked).toHaveLength(1);
  });

  test("set back by days neither stops the following nor hastens it", async () => {
    register(0, 1);
    follower.start();
    await time.advance(6 * minuteMs);
    clockOffMs = -3 * 24 * hourMs;
    await time.advance(3 * minuteMs);
    // What is kept lies too far ahead to be believed, so one look is made, and the next is due by the clock as it is now.
    expect(asked).toHaveLength(2);
    await time.advance(30 * minuteMs);
    expect(asked).toHaveLength(2);
    await time.advance(40 * minuteMs);
    expect(asked).toHaveLength(3);
  });
});

test("a store that fails is told, and the following goes on", async () => {
  register(0, 1);
  const [keep, failures] = [core.followUps.keep.bind(core.followUps), [new Error("disk full")]];
  core.followUps.keep = (look) => {
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    return keep(look);
  };
  follower.start();
  await time.advance(10 * minuteMs);
  expect(said(followEvents.storeFailed)).toEqual([{ error: "disk full" }]);
  expect(core.followUps.due(at(600), 9)).toMatchObject([{ looks: 1 }]);
});

test("over HTTP, a service that misbehaves costs nothing but time", async () => {
  const replies: ((response: ServerResponse) => void)[] = [
    (response) => response.writeHead(500).end("<html>"),
    (response) => response.writeHead(200).end("garbage"),
    (response) => response.writeHead(429, { "retry-after": "120" }).end(),
    (response) => response.destroy(),
    (response) => response.end(JSON.stringify({ validity: "valid", remarks: [{ code: 1, text: "no relation" }] })),
  ];
  let requests = 0;
  const server = createServer((_, response) => {
    requests += 1;
    (replies.shift() ?? replies.at(-1))?.(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const reader = new CiaoRegistrations({ baseUrl, path: registrationPath, timeoutMs: 5_000 }, noToken, systemTime);
  await follower[Symbol.asyncDispose]();
  follower = followerOver(reader);
  register(0, 1);
  follower.start();
  try {
    while (core.remarks.list({ openOnly: true, seenFrom: null, limit: 1 }).length === 0) {
      await time.advance(minuteMs);
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    await reader[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
  }
  expect(requests).toBe(5);
  expect(core.followUps.due(at(100_000), 9)).toMatchObject([{ settledAt: expect.any(Number) }]);
});

test("a remark that was dealt with stays so while the service says nothing of remarks", async () => {
  const bodies = [
    { validity: "pending", remarks: [{ code: 1, text: "no relation" }] },
    { validity: "pending", remarks: null },
    { validity: "pending", remarks: [{ code: 1, text: "no relation" }] },
  ];
  let requests = 0;
  const server = createServer((_, response) => {
    requests += 1;
    response.end(JSON.stringify(bodies[Math.min(requests, bodies.length) - 1]));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const reader = new CiaoRegistrations({ baseUrl, path: registrationPath, timeoutMs: 5_000 }, noToken, systemTime);
  await follower[Symbol.asyncDispose]();
  follower = followerOver(reader);
  register(0, 1);
  follower.start();
  try {
    for (const looks of [1, 2, 3]) {
      while ((core.followUps.due(at(100_000), 9)[0]?.looks ?? 0) < looks) {
        await time.advance(minuteMs);
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (looks === 1) core.remarks.mark(1, { at: at(6), kind: "done", note: "web form sent" });
    }
  } finally {
    await reader[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
  }
  expect(core.remarks.show(1)).toMatchObject({ remark: { goneAt: null, doneAt: at(6) }, marks: { length: 1 } });
});
