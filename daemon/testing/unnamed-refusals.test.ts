import { createServer, type Server } from "node:http";
import { request as call } from "undici";
import { expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { silentLog } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import { CiaoClient } from "../forward/ciao/ciao-client.ts";
import { FileToken } from "../forward/ciao/token.ts";
import { registerPath } from "../forward/ciao/wire.ts";
import type { AttemptReport, Claim, ClaimRequest, Settlement, Written } from "../forward/queue.ts";
import { startServiceSimulator } from "../simulator/service/service-simulator.ts";
import { hastyForwarder } from "./hasty-forwarder.ts";
import { MemoryQueue } from "./memory-queue.ts";

const workers = 512;

/** No number: the service refuses the whole call that carries it. */
const poison = "1234567890";

/** A queue of which some workers have a number that the service refuses; tells when none of the others waits any more. */
class PoisonedQueue extends MemoryQueue {
  onGoodGone: () => void = () => {};
  readonly #isPoison: (worker: number) => boolean;

  constructor(isPoison: (worker: number) => boolean) {
    super();
    this.#isPoison = isPoison;
  }

  override async claim(request: ClaimRequest): Promise<Claim | null> {
    return this.#poisoned(await super.claim(request));
  }

  override async settleAndClaim(written: Written, request: ClaimRequest): Promise<Claim | null> {
    return this.#poisoned(await super.settleAndClaim(written, request));
  }

  override async settle(attemptId: number, report: AttemptReport, settlements: readonly Settlement[]): Promise<void> {
    await super.settle(attemptId, report, settlements);
    const open = this.scans.filter(({ state }) => state === "waiting" || state === "sending");
    if (open.every(({ worker }) => this.#isPoison(worker))) this.onGoodGone();
  }

  #poisoned(claim: Claim | null): Claim | null {
    if (claim === null) return null;
    const scans = claim.scans.map((scan) => (this.#isPoison(scan.workerId) ? { ...scan, ssin: poison } : scan));
    return { ...claim, scans };
  }
}

/** Hands calls on to the service at `url`, and takes out of its refusals what they name. */
async function startReticentService(url: string): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer(async (request, response) => {
    const { statusCode, headers, body } = await call(`${url}${request.url}`, {
      method: present(request.method, "a request has its method"),
      headers: { "content-type": "application/json", authorization: request.headers.authorization ?? "" },
      body: request,
    });
    const { issues: _, ...told } = (await body.json()) as { readonly issues?: unknown };
    const kept = ["content-type", "retry-after"].flatMap((name) => (headers[name] === undefined ? [] : [name]));
    for (const name of kept) response.setHeader(name, headers[name] ?? "");
    response.writeHead(statusCode).end(JSON.stringify(told));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" ? present(address, "it listens").port : 0;
  return { url: `http://127.0.0.1:${port}`, server };
}

test.each<[number, string, (worker: number) => boolean]>([
  [12, "at the head", (worker) => worker < 12],
  [50, "at the head", (worker) => worker < 50],
  [50, "at the tail", (worker) => worker >= workers - 50],
  [20, "scattered", (worker) => worker % 25 === 3 && worker < 500],
])("%i scans of 512, %s, refused without a name: the others are registered all the same", async (_, __, isPoison) => {
  const quota = { callsMax: null, failedMax: 25, windowMs: 1_000 };
  await using simulator = await startServiceSimulator({
    port: 0,
    log: silentLog,
    time: systemTime,
    token: "token",
    quota,
  });
  const reticent = await startReticentService(simulator.url);
  const settings = { baseUrl: reticent.url, registerPath, healthPath: "/health", timeoutMs: 30_000 };
  try {
    await using client = new CiaoClient(settings, new FileToken(async () => "token"), systemTime);
    const queue = new PoisonedQueue(isPoison);
    for (let worker = 0; worker < workers; worker += 1) queue.record(worker, systemTime.wallMs());
    const gone = new Promise<void>((resolve) => {
      queue.onGoodGone = resolve;
    });
    await using forwarder = hastyForwarder(queue, client);
    forwarder.start();
    await gone;
    const good = queue.scans.filter(({ worker }) => !isPoison(worker));
    expect(good.every(({ state }) => state === "registered")).toBe(true);
    expect(simulator.registrations()).toHaveLength(good.length);
    const refused = queue.scans.filter(({ state }) => state === "refused");
    expect(refused.length).toBeGreaterThanOrEqual(2);
    expect(refused.every(({ worker, reason }) => isPoison(worker) && reason !== null)).toBe(true);
    // Nine refused calls find one out of 200, and three go through meanwhile.
    const poisonous = queue.scans.length - good.length;
    expect(queue.attempts.size).toBeLessThan(12 * poisonous);
    expect(simulator.stats().quotaViolations).toBe(0);
  } finally {
    reticent.server.closeAllConnections();
    reticent.server.close();
  }
});
