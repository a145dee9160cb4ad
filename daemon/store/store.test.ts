import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { InvariantError } from "../base/assert.ts";
import { BadgedError } from "../base/errors.ts";
import { type Log, silentLog } from "../base/log.ts";
import { between, seededRandom } from "../base/random.ts";
import { systemTime } from "../base/system-time.ts";
import { wallMs } from "../base/time.ts";
import { forwardQueueContract } from "../testing/forward-queue-contract.ts";
import {
  at,
  claimRequest,
  draftOf,
  entryOf,
  inRule,
  recordingLog,
  registered,
  rosterOf,
  site,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { overdueFrames } from "./checkpoint.ts";
import { tables } from "./integrity.ts";
import { Store } from "./store.ts";
import { StoreError } from "./store-error.ts";
import type { StoreSettings } from "./store-settings.ts";

/** The store as the daemon has it: through its worker thread, on real files. */

let directory: TemporaryDirectory;

beforeEach(() => {
  directory = temporaryDirectory();
});

afterEach(() => directory[Symbol.dispose]());

function open(changed: Partial<StoreSettings> = {}, log: Log = silentLog): Promise<Store> {
  return Store.open(storeSettings(directory.path, changed), { time: systemTime, log });
}

async function prepared(changed: Partial<StoreSettings> = {}, log: Log = silentLog): Promise<Store> {
  const store = await open(changed, log);
  await store.internWorkSite(site);
  await store.replaceRoster(rosterOf(1, 2, 3), "fixture");
  return store;
}

forwardQueueContract("the store", async () => {
  const place = temporaryDirectory();
  const store = await Store.open(storeSettings(place.path), { time: systemTime, log: silentLog });
  const workSiteId = await store.internWorkSite(site);
  const known = new Set<number>();
  const strangers = 1000;
  const learn = async (workers: readonly number[]): Promise<void> => {
    for (const worker of workers) known.add(worker);
    await store.replaceRoster(rosterOf(...known), [...known].join());
  };
  const record = async (worker: number, utcMs: number): Promise<number> => {
    const minutes = (utcMs - at(0)) / 60_000;
    const outcome = await store.record(draftOf(worker, minutes, { rule: inRule, workSiteId }));
    if (outcome.kind === "not-recorded") throw new Error(outcome.detail);
    return outcome.scanId;
  };
  return {
    queue: store,
    record: async (worker, utcMs) => {
      if (!known.has(worker)) await learn([worker]);
      return record(worker, utcMs);
    },
    recordUnknown: (worker, utcMs) => record(worker + strangers, utcMs),
    learn: (workers) => learn(workers.map((worker) => worker + strangers)),
    release: async (scanId, now) => {
      expect(await store.release(scanId, now, { bracket: false, samePerson: false })).toEqual({ kind: "released" });
    },
    look: async (scanId) => {
      const scan = await store.show(scanId);
      if (scan === null) throw new Error(`no scan ${scanId}`);
      return { ...scan, doubtAttemptId: scan.doubt?.attemptId ?? null };
    },
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      place[Symbol.dispose]();
    },
  };
});

describe("recording", () => {
  test("scans that come together are all kept, in their order", async () => {
    await using store = await prepared();
    const outcomes = await Promise.all(
      Array.from({ length: 1000 }, (_, index) => store.record(draftOf(1, index * 10))),
    );
    expect(outcomes.map((outcome) => (outcome.kind === "recorded" ? outcome.scanId : outcome.kind))).toEqual(
      Array.from({ length: 1000 }, (_, index) => index + 1),
    );
    expect((await store.summary()).rows).toBe(1000);
  });

  test("a scan overtakes what waits, for a worker stands at the reader", async () => {
    await using store = await prepared();
    const order: string[] = [];
    const others = Array.from({ length: 5 }, () => store.backlog().then(() => order.push("other")));
    const scan = store.record(draftOf(1, 0)).then(() => order.push("scan"));
    await Promise.all([...others, scan]);
    expect(order[0]).toBe("scan");
  });

  test("that unknown badges are refused is not told as over with each worker that is recorded", async () => {
    const log = recordingLog();
    await using store = await prepared({ maxScans: 20, alarmFraction: 1 }, log);
    for (let index = 0; index < 18; index += 1) await store.record(draftOf(1, index * 10));
    const kinds: string[] = [];
    for (const badge of [100, 1, 101, 1]) kinds.push((await store.record(draftOf(badge, 200 + badge * 10))).kind);
    expect(kinds).toEqual(["not-recorded", "recorded", "not-recorded", "double"]);
    expect(log.lines).toEqual([]);
  });

  test("the alarm comes before the limit, and at the limit scans are refused loudly", async () => {
    const log = recordingLog();
    await using store = await prepared({ maxScans: 10, alarmFraction: 0.5 }, log);
    for (let index = 0; index < 5; index += 1) await store.record(draftOf(1, index * 10));
    await store.backlog();
    expect(store.fill).toBe("alarm");
    for (let index = 5; index < 10; index += 1) await store.record(draftOf(1, index * 10));
    await store.backlog();
    expect(store.fill).toBe("full");
    expect(await store.record(draftOf(2, 0))).toMatchObject({ kind: "not-recorded", reason: "limit-reached" });
    expect(log.lines.map((line) => line.message)).toEqual([
      "the store is filling up, scans are not sent or not erased",
      "the store is full, scans are refused",
      "a scan was not recorded",
    ]);
  });

  test("the write-ahead log is emptied before it grows without end, even while people badge", async () => {
    await using store = await prepared();
    const commits = overdueFrames / 2;
    for (let index = 0; index < commits; index += 1) await store.record(draftOf(1 + (index % 3), index * 10));
    expect((await store.summary()).rows).toBe(commits);
    expect(statSync(join(directory.path, "badged.sqlite-wal")).size).toBeLessThan((overdueFrames + 100) * 4120);
  });
});

describe("errors cross the thread as what they are", () => {
  test("a person's error keeps its code and advice", async () => {
    await using store = await open();
    const twice = store.replaceRoster([entryOf(1), entryOf(1)], "bad");
    await expect(twice).rejects.toBeInstanceOf(BadgedError);
    await expect(twice).rejects.toMatchObject({ code: "roster-invalid", advice: expect.any(String) });
  });

  test("a defect is a defect", async () => {
    await using store = await open();
    await expect(store.claim(claimRequest({ limit: 0 }))).rejects.toBeInstanceOf(InvariantError);
  });

  test("a store that is not there is said to be missing", async () => {
    await expect(open({ mode: "visitor" })).rejects.toMatchObject({ code: "store-missing" });
  });

  test("a closed store refuses, and records nothing", async () => {
    const store = await prepared();
    await store[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    await expect(store.backlog()).rejects.toMatchObject({ code: "closed" });
    await expect(store.backlog()).rejects.toBeInstanceOf(StoreError);
    expect(await store.record(draftOf(1, 0))).toMatchObject({ kind: "not-recorded", reason: "store-failed" });
  });

  test("what was asked before closing is done", async () => {
    const store = await prepared();
    const scans = Promise.all([1, 2, 3].map((worker) => store.record(draftOf(worker, 0))));
    await store[Symbol.asyncDispose]();
    expect((await scans).map((outcome) => outcome.kind)).toEqual(["recorded", "recorded", "recorded"]);
  });
});

test("a thread that dies takes with it what was under way, and the next request starts another", async () => {
  const log = recordingLog();
  await using store = await prepared({}, log);
  await store.record(draftOf(1, 0));
  // More than the thread's heap holds.
  const endless = Array.from({ length: 500_000 }, (_, index) => entryOf(index));
  await expect(store.replaceRoster(endless, "endless")).rejects.toMatchObject({ code: "closed" });
  expect(await store.record(draftOf(1, 10))).toMatchObject({ kind: "recorded", direction: "out" });
  const messages = log.lines.map((line) => line.message);
  expect(messages).toContain("the store's thread failed");
  expect(messages).toContain("the store's thread was started again");
});

describe("beside a visitor", () => {
  test("a roster imported by a command is in force at the next scan", async () => {
    await using store = await prepared();
    await using visitor = await open({ mode: "visitor" });
    expect(await store.record(draftOf(9, 0))).toMatchObject({ kind: "unknown-badge" });
    await visitor.replaceRoster(rosterOf(1, 9), "imported");
    expect(await store.record(draftOf(9, 10))).toMatchObject({ kind: "recorded", direction: "out" });
  });

  test("both write at once, and nothing is lost", async () => {
    await using store = await prepared();
    await using visitor = await open({ mode: "visitor" });
    const imports = (async (): Promise<void> => {
      for (let round = 0; round < 10; round += 1) {
        await visitor.replaceRoster([...rosterOf(1, 2, 3), entryOf(100 + round)], `round ${round}`);
      }
    })();
    const outcomes = await Promise.all(
      Array.from({ length: 300 }, (_, index) => store.record(draftOf(1 + (index % 3), index * 10))),
    );
    await imports;
    expect(outcomes.every((outcome) => outcome.kind === "recorded")).toBe(true);
    expect((await store.summary()).rows).toBe(300);
  });
});

test("maintenance erases in slices, with scans recorded in between", async () => {
  await using store = await prepared();
  await Promise.all(Array.from({ length: 1500 }, () => store.record(draftOf(1, 0))));
  const maintained = store.maintain(wallMs(at(0) + 30 * 24 * 3_600_000));
  const scan = await store.record(draftOf(2, 0));
  expect(scan.kind).toBe("recorded");
  expect((await maintained).scans).toBe(1499);
});

test("a database that is being saved says so again and again, and a sound one says nothing", async () => {
  const told: string[] = [];
  const openHeard = (): Promise<Store> =>
    Store.open(storeSettings(directory.path), {
      time: systemTime,
      log: { ...silentLog, child: () => ({ ...silentLog, error: (_, message) => told.push(message) }) },
      onProgress: () => told.push("it goes on"),
    });
  await (await prepared())[Symbol.asyncDispose]();
  await (await openHeard())[Symbol.asyncDispose]();
  expect(told).toEqual([]);

  // Its header says another journal than it has.
  const file = openSync(join(directory.path, "badged.sqlite"), "r+");
  writeSync(file, Buffer.of(1), 0, 1, 18);
  closeSync(file);
  await using _saved = await openHeard();
  const end = told.indexOf("the database was damaged, set aside and replaced");
  expect(end).toBeGreaterThan(tables.length - 1);
  expect(told.slice(0, end)).toEqual(Array.from({ length: end }, () => "it goes on"));
});

test("strangers are resolved up to the limit asked for, across slices", async () => {
  await using store = await prepared();
  await Promise.all(Array.from({ length: 1200 }, (_, index) => store.record(draftOf(1000 + index, index))));
  await store.replaceRoster(rosterOf(1000, 2199), "learnt");
  expect(await store.resolveUnknown(200)).toBe(2);
});

describe("a process killed while it acknowledges", () => {
  const program = fileURLToPath(new URL("../testing/acknowledging-store.ts", import.meta.url));

  async function acknowledgedUntilKilled(folder: string, count: number): Promise<readonly number[]> {
    const child: ChildProcess = fork(program, [folder], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const acknowledged: number[] = [];
    child.on("message", (scanIds: readonly number[]) => {
      acknowledged.push(...scanIds);
      if (acknowledged.length >= count) child.kill("SIGKILL");
    });
    const [, signal] = await once(child, "close");
    expect(signal).toBe("SIGKILL");
    return acknowledged;
  }

  test("has lost nothing that it acknowledged, and no call it had begun", async () => {
    const random = seededRandom(7);
    const acknowledged: number[] = [];
    const folder = join(directory.path, "killed");
    for (let round = 0; round < 4; round += 1) {
      acknowledged.push(...(await acknowledgedUntilKilled(folder, between(random, 20, 400))));
    }
    await using store = await Store.open(storeSettings(folder), { time: systemTime, log: silentLog });
    for (const scanId of acknowledged) expect(await store.show(scanId)).not.toBeNull();
    expect(new Set(acknowledged).size).toBe(acknowledged.length);
    await store.recoverInterrupted(at(0));
    expect((await store.summary()).byState.sending).toBe(0);
    const claim = await store.claim(claimRequest({ now: at(1e6), limit: 1 }));
    expect(claim?.scans).toHaveLength(1);
    if (claim === null) return;
    const report = {
      outcome: "answered",
      httpStatus: 200,
      relatedTraceId: null,
      detail: "",
      endedAt: at(1e6),
    } as const;
    await store.settle(
      claim.attemptId,
      report,
      claim.scans.map(({ scanId }) => registered(scanId)),
    );
  });
});
