import { afterEach, expect, test } from "vitest";
import { silentLog } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import { wallMs } from "../base/time.ts";
import { CiaoClient } from "../forward/ciao/ciao-client.ts";
import { noToken } from "../forward/ciao/token.ts";
import type { AttemptOutcome } from "../forward/queue.ts";
import type { SearchOutcome } from "../forward/upstream.ts";
import type { CallFault } from "../simulator/service/fault.ts";
import { startServiceSimulator } from "../simulator/service/service-simulator.ts";
import { fictionalSsin } from "./fictional-worker.ts";
import { dueScan } from "./memory-queue.ts";

const cleanups: (() => PromiseLike<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const scan = dueScan({ scanId: 1, worker: 1, utcMs: wallMs(systemTime.wallMs() - 5_000) });
const never = new AbortController().signal;

async function registered() {
  const simulator = await startServiceSimulator({ port: 0, log: silentLog, time: systemTime });
  cleanups.push(() => simulator[Symbol.asyncDispose]());
  const settings = { registerPath: "/presenceRegistrations/registerInBulk", healthPath: "/health", timeoutMs: 1_000 };
  const searching = (searchPath: string) => {
    const client = new CiaoClient({ ...settings, baseUrl: simulator.url, searchPath }, noToken, systemTime);
    cleanups.push(() => client[Symbol.asyncDispose]());
    return client;
  };
  const client = searching("/presenceRegistrations");
  await client.register([scan, dueScan({ scanId: 2, worker: 2, utcMs: scan.utcMs })], "trace", never);
  const search = async (changed: Partial<typeof scan> = {}, from = client): Promise<SearchOutcome | undefined> =>
    await from.search?.({ ...scan, ...changed }, "trace", never);
  return { simulator, search, searching };
}

test("a registration is found by worker, second and direction, and by nothing less", async () => {
  const { search, simulator } = await registered();
  expect(await search()).toMatchObject({ kind: "found", registrationId: "1", validity: "pending" });
  expect(await search({ ssin: fictionalSsin(2) })).toMatchObject({ kind: "found", registrationId: "2" });
  expect((await search({ ssin: fictionalSsin(3) }))?.kind).toBe("not-found");
  expect((await search({ direction: "out" }))?.kind).toBe("not-found");
  expect((await search({ utcMs: wallMs(scan.utcMs - 1_000) }))?.kind).toBe("not-found");
  expect(simulator.calls().filter(({ call }) => call === "search")).toHaveLength(5);
});

test("a service without a search says so, and of a path that is not there that this one is not to be searched", async () => {
  const { search, searching } = await registered();
  expect(await search({}, searching("/search"))).toMatchObject({ kind: "refused", report: { httpStatus: 404 } });
  expect((await search({}, searching("/presenceRegistrations/registerInBulk")))?.kind).toBe("not-to-be-had");
});

test.each<[CallFault, AttemptOutcome | "found" | "not-found"]>([
  [{ kind: "time-out", processed: false }, "timed-out"],
  [{ kind: "reset-before" }, "connection-lost"],
  [{ kind: "reset-during-answer" }, "connection-lost"],
  [{ kind: "server-error", status: 503, processed: false, retryAfterSeconds: 7 }, "server-error"],
  [{ kind: "throttle", problem: "tooManyRequests", retryAfter: { form: "seconds", seconds: 7 } }, "throttled"],
  [{ kind: "unauthorised", problem: "expiredAccessToken" }, "unauthorised"],
  [{ kind: "garbage", form: "html" }, "unintelligible"],
  [{ kind: "garbage", form: "half-json" }, "unintelligible"],
  [{ kind: "garbage", form: "wrong-shape" }, "unintelligible"],
  [{ kind: "garbage", form: "fewer-items" }, "unintelligible"],
  [{ kind: "garbage", form: "unknown-fields" }, "found"],
  [{ kind: "garbage", form: "another-registration" }, "not-found"],
  [{ kind: "garbage", form: "reordered" }, "found"],
  [{ kind: "huge", bytes: 10_000_000 }, "unintelligible"],
  [{ kind: "endless", everyMs: 20 }, "timed-out"],
])("%j at the search proves nothing it should not: %s", async (fault, expected) => {
  const { simulator, search } = await registered();
  await simulator.setFault(fault, { kind: "always" }, "search");
  const outcome = await search();
  expect(outcome?.kind === "failed" ? outcome.report.outcome : outcome?.kind).toBe(expected);
});

test("a search that can only be for one worker has its number nowhere but in the request", async () => {
  const { simulator, search } = await registered();
  await simulator.setFault({ kind: "garbage", form: "wrong-shape" }, { kind: "always" }, "search");
  expect(JSON.stringify(await search())).not.toContain(scan.ssin);
});
