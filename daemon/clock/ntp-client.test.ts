import { getEventListeners } from "node:events";
import { queryObjects } from "node:v8";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { systemTime } from "../base/system-time.ts";
import { type MonotonicNs, wallMs } from "../base/time.ts";
import { MisbehavingNtpServer, type Misbehaviour } from "../testing/chrony/misbehaving-ntp-server.ts";
import { NtpClient, randomTimestamp, type ServerAddress } from "./ntp-client.ts";
import { thetaNs } from "./ntp-exchange.ts";
import { loadSocketStamps, type SocketStamps } from "./socket-stamps.ts";
import { pollSource, type SourceAnswer } from "./source-poll.ts";
import { magnitude, nsPerSecond, type UtcNs, utcNs, utcNsOfWall } from "./utc.ts";

const builtAt = utcNsOfWall(wallMs(1_767_225_600_000));
const loaded = await loadSocketStamps(systemTime);
const kernel = "obstacle" in loaded ? null : loaded;
const never = new AbortController().signal;
let server: MisbehavingNtpServer;
let client: NtpClient;

beforeAll(async () => {
  server = await MisbehavingNtpServer.listen(systemTime);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

test("this system has the kernel's stamps, so that what follows tries both", () => {
  expect(loaded).not.toHaveProperty("obstacle");
});

test("an exchange leaves no signal and no listener in memory", async () => {
  server.behaviour = { kind: "none" };
  const exchanges = 20;
  const asking = new NtpClient(systemTime);
  const closing = new AbortController();
  const before = queryObjects(AbortSignal, { format: "count" });
  for (let asked = 0; asked < exchanges; asked += 1) {
    const reply = await asking.exchange({ host: "127.0.0.1", port: server.port }, closing.signal);
    expect(reply.kind).toBe("replied");
  }
  expect(getEventListeners(closing.signal, "abort")).toEqual([]);
  // The latest ones may still be in somebody's hands.
  expect(queryObjects(AbortSignal, { format: "count" })).toBeLessThan(before + exchanges / 2);
});

describe.each([
  ["Node's moments", null],
  ["the kernel's stamps", kernel],
] as const)("with %s", (_, stamps) => {
  beforeEach(() => {
    server.requests = 0;
    client = new NtpClient(systemTime, { timeoutMs: 150, stamps });
  });

  async function ask(behaviour: Misbehaviour, requests = 1, pivot: UtcNs = builtAt): Promise<SourceAnswer> {
    server.behaviour = behaviour;
    const address = { host: "127.0.0.1", port: server.port };
    return await pollSource(client, systemTime, address, { requests, spacingMs: 1, pivot }, never);
  }

  test("a proper server gives a sample that agrees with the system clock", async () => {
    const answer = await ask({ kind: "none" }, 4);
    expect(server.requests).toBe(4);
    if (answer.kind !== "sample") throw new Error(answer.why.kind);
    const theta = utcNsOfWall(systemTime.wallMs()) - systemTime.monotonicNs();
    expect(magnitude(thetaNs(answer.sample) - theta)).toBeLessThan(nsPerSecond);
  });

  test.each<[Misbehaviour, object]>([
    [
      { kind: "kiss", code: "DENY", origin: "true" },
      { kind: "kiss-of-death", code: "DENY" },
    ],
    [
      { kind: "kiss", code: "RATE", origin: "true" },
      { kind: "kiss-of-death", code: "RATE" },
    ],
    [{ kind: "kiss", code: "DENY", origin: "forged" }, { kind: "wrong-origin" }],
    [{ kind: "forged-origin", thenTrue: false }, { kind: "wrong-origin" }],
    [{ kind: "zero-timestamps" }, { kind: "no-timestamps" }],
    [{ kind: "root-dispersion", seconds: 12 }, { kind: "too-distant" }],
    [{ kind: "leap-unsynchronised" }, { kind: "unsynchronised" }],
    [{ kind: "wrong-mode" }, { kind: "wrong-mode", mode: 5 }],
    [
      { kind: "stratum", stratum: 16 },
      { kind: "bad-stratum", stratum: 16 },
    ],
    [{ kind: "reversed" }, { kind: "times-reversed" }],
    [{ kind: "short" }, { kind: "malformed" }],
    [{ kind: "deaf" }, { kind: "silent", waitedMs: 150 }],
  ])("a server that does %j is unusable for that reason", async (behaviour, why) => {
    expect(await ask(behaviour)).toMatchObject({ kind: "unusable", why });
  });

  test("a kiss-o'-death ends the burst, a forged one does not", async () => {
    await ask({ kind: "kiss", code: "RATE", origin: "true" }, 4);
    expect(server.requests).toBe(1);
    await ask({ kind: "kiss", code: "RATE", origin: "forged" }, 2);
    expect(server.requests).toBe(3);
  });

  test("a forged answer that comes first does not keep the true one out", async () => {
    expect((await ask({ kind: "forged-origin", thenTrue: true })).kind).toBe("sample");
  });

  test("a server past the rollover of 2036 is read in its own era, whatever the pivot's", async () => {
    const now = utcNsOfWall(systemTime.wallMs());
    const shiftSeconds = 2_085_978_496n + 3600n - now / nsPerSecond;
    for (const pivot of [builtAt, utcNs(now + shiftSeconds * nsPerSecond)]) {
      const answer = await ask({ kind: "shifted", shiftSeconds }, 1, pivot);
      if (answer.kind !== "sample") throw new Error(answer.why.kind);
      expect(magnitude(answer.sample.t2Ns - (now + shiftSeconds * nsPerSecond))).toBeLessThan(60n * nsPerSecond);
    }
  });

  test("a port on which nobody listens is a named failure", async () => {
    const closed = await MisbehavingNtpServer.listen(systemTime);
    const { port } = closed;
    await closed[Symbol.asyncDispose]();
    expect(await client.exchange({ host: "127.0.0.1", port }, never)).toEqual({ kind: "failed", code: "ECONNREFUSED" });
  });

  test.each(["::1", "0:0:0:0:0:0:0:1"])(
    "a server at %s is asked over IPv6, and named as everybody writes it",
    async (host) => {
      await using beside = await MisbehavingNtpServer.listen(systemTime, "::1");
      expect(await client.exchange({ host, port: beside.port }, never)).toMatchObject({
        kind: "replied",
        address: "::1",
      });
    },
  );

  test("an IPv4 address in IPv6 clothes is named as itself", async () => {
    server.behaviour = { kind: "none" };
    const reply = await client.exchange({ host: "::ffff:127.0.0.1", port: server.port }, never);
    expect(reply).toMatchObject({ kind: "replied", address: "127.0.0.1" });
  });

  describe("a name of both families", () => {
    const both = async () => [
      { address: "127.0.0.1", family: 4 },
      { address: "::1", family: 6 },
    ];

    test("is asked at its IPv4 address, and where there is no way to that at the other", async () => {
      const asking = new NtpClient(systemTime, { timeoutMs: 150, stamps, addressesOf: both });
      await using beside = await MisbehavingNtpServer.listen(systemTime, "::1");
      const address = { host: "time.example", port: beside.port };
      expect(await asking.exchange(address, never)).toMatchObject({ kind: "replied", address: "::1" });
      await using first = await MisbehavingNtpServer.listen(systemTime, "127.0.0.1", beside.port);
      expect(await asking.exchange(address, never)).toMatchObject({ kind: "replied", address: "127.0.0.1" });
      expect([first.requests, beside.requests]).toEqual([1, 1]);
    });

    test("that cannot be reached over either fails for the reason that says most", async () => {
      const unreachable = { address: "255.255.255.255", family: 4 };
      const asking = new NtpClient(systemTime, {
        timeoutMs: 150,
        stamps,
        addressesOf: async () => [unreachable, { address: "::1", family: 6 }],
      });
      const closed = await MisbehavingNtpServer.listen(systemTime, "::1");
      const { port } = closed;
      await closed[Symbol.asyncDispose]();
      const reply = await asking.exchange({ host: "time.example", port }, never);
      expect(reply).toEqual({ kind: "failed", code: "ECONNREFUSED" });
    });
  });

  test("a name that is not found in time is looked for once, however often it is asked for, and used when it is found", async () => {
    const lookups: ((found: readonly ServerAddress[]) => void)[] = [];
    const asking = new NtpClient(systemTime, {
      timeoutMs: 150,
      stamps,
      addressesOf: () => new Promise((resolve) => lookups.push(resolve)),
    });
    const address = { host: "time.example", port: server.port };
    expect((await asking.exchange(address, never)).kind).toBe("silent");
    expect((await asking.exchange(address, never)).kind).toBe("silent");
    expect(lookups).toHaveLength(1);
    const third = asking.exchange(address, never);
    lookups[0]?.([{ address: "127.0.0.1", family: 4 }]);
    expect((await third).kind).toBe("replied");
    void asking.exchange(address, never);
    expect(lookups).toHaveLength(2);
  });

  test("an address to which there is no way is a named failure", async () => {
    // Nobody may send to everybody unless he asks for it: refused before anything leaves, as without a route.
    const reply = await client.exchange({ host: "255.255.255.255", port: 123 }, never);
    expect(reply).toEqual({ kind: "failed", code: "EACCES" });
  });

  test("an aborted exchange ends at once and asks nobody", async () => {
    server.behaviour = { kind: "none" };
    const reply = await client.exchange({ host: "127.0.0.1", port: server.port }, AbortSignal.abort());
    expect(reply.kind).toBe("silent");
    expect(server.requests).toBe(0);
  });

  test("an exchange ends wherever it is when it is aborted, between the name's address and the question too", async () => {
    server.behaviour = { kind: "deaf" };
    for (let steps = 0; steps < 12; steps += 1) {
      const closing = new AbortController();
      const asked = client.exchange({ host: "127.0.0.1", port: server.port }, closing.signal);
      for (let step = 0; step < steps; step += 1) await Promise.resolve();
      closing.abort();
      expect((await asked).kind).toBe("silent");
    }
  });
});

test("the kernel takes answers before Node hears of them, and not before their requests leave", async () => {
  if (kernel === null) throw new Error("no stamps");
  server.behaviour = { kind: "none" };
  let heardNs: MonotonicNs | null = null;
  const noting: SocketStamps = {
    ...kernel,
    receivedNs(descriptor, sent) {
      heardNs = systemTime.monotonicNs();
      return kernel.receivedNs(descriptor, sent);
    },
  };
  const client = new NtpClient(systemTime, { stamps: noting });
  let before = 0;
  for (let asked = 0; asked < 20 || (before === 0 && asked < 1_000); asked += 1) {
    const beganNs = systemTime.monotonicNs();
    const reply = await client.exchange({ host: "127.0.0.1", port: server.port }, never);
    if (reply.kind !== "replied") throw new Error(reply.kind);
    const { sentNs, receivedNs } = reply.exchange;
    expect(sentNs).toBeGreaterThan(beganNs);
    expect(receivedNs).toBeGreaterThan(sentNs);
    expect(receivedNs).toBeLessThan(systemTime.monotonicNs());
    if (receivedNs < present<MonotonicNs>(heardNs, "an answer was heard")) before += 1;
  }
  // Not every time, and rarely on a busy box: a process that loses the processor while it reads the clocks takes the later moment.
  expect(before).toBeGreaterThan(0);
});

test("every request carries other random bits", () => {
  expect(new Set(Array.from({ length: 100 }, randomTimestamp)).size).toBe(100);
});
