import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemTime } from "../../base/system-time.ts";
import { wallMs } from "../../base/time.ts";
import { BoxLog } from "../../testing/evidence/box-log.ts";
import { newSigner, WitnessFixture } from "../../testing/evidence/witness-fixture.ts";
import { ManualTime } from "../../testing/manual-time.ts";
import type { ClockReading } from "../clock-reading.ts";
import { cosign, type NoteSigner, noteMaxBytes, withSignature } from "../note.ts";
import { WitnessClient, type WitnessOutcome } from "./witness-client.ts";

const never = new AbortController().signal;
const own = (): ClockReading => ({ wallMs: systemTime.wallMs(), boundMs: 10 });
let log: BoxLog;
let witness: WitnessFixture;

beforeEach(async () => {
  log = new BoxLog().grow(20);
  witness = await WitnessFixture.open([log]);
});
afterEach(() => witness[Symbol.asyncDispose]());

function clientOf(
  changes: {
    readonly url?: string;
    readonly signer?: NoteSigner;
    readonly clock?: () => ClockReading;
    readonly timeoutMs?: number;
  } = {},
): WitnessClient {
  const { url = witness.url, signer = witness.signer, clock = own, timeoutMs = 5_000 } = changes;
  return new WitnessClient({ url, witness: signer, logKey: log.publicKey, timeoutMs }, { time: systemTime, clock });
}

function wordOf(outcome: WitnessOutcome): string {
  if (outcome.kind === "refused") return outcome.reason;
  return outcome.kind === "unreachable" ? outcome.cause : outcome.kind;
}

describe("with a real witness", () => {
  test("a log is cosigned as it grows", async () => {
    const client = clientOf();
    for (const size of [3, 3, 8, 20]) expect(wordOf(await client.cosign(log.request(size), never))).toBe("cosigned");
  });

  test("a box that was started again asks once more, from the size that the witness names", async () => {
    await clientOf().cosign(log.request(8), never);
    expect(wordOf(await clientOf().cosign(log.request(20), never))).toBe("cosigned");
  });

  test("a new epoch begins by itself", async () => {
    const client = clientOf();
    await client.cosign(log.request(8), never);
    expect(wordOf(await client.cosign(log.nextEpoch().grow(2).request(), never))).toBe("cosigned");
  });

  test.each([
    ["behind the witness", 4, 0],
    ["as long as what the witness saw", 4, 8],
    ["longer than what the witness saw", 4, 14],
  ])("a log that was set back, and is %s, is told so with proof", async (_, to, more) => {
    await clientOf().cosign(log.request(12), never);
    const forged = log.rolledBack(to).grow(more, "lie");
    expect(await clientOf().cosign(forged.request(), never)).toEqual({ kind: "ahead", size: 12, isProven: true });
  });

  test("a box that was set back to an earlier epoch as a whole is told so with proof", async () => {
    await clientOf().cosign(log.request(8), never);
    await clientOf().cosign(log.nextEpoch().grow(2).request(), never);
    expect(await clientOf().cosign(log.request(20), never)).toEqual({
      kind: "ahead",
      size: 2,
      isProven: true,
      laterEpoch: 2,
    });
  });

  test("a box that the witness does not know is told what to do", async () => {
    expect(wordOf(await clientOf().cosign(new BoxLog().grow(2).request(), never))).toBe("unknown-log");
  });

  test("another key than the configured one is not taken", async () => {
    const signer = newSigner("witness.example");
    expect(wordOf(await clientOf({ signer }).cosign(log.request(8), never))).toBe("wrong-cosignature");
  });

  test("a time that is not ours is refused while something vouches for ours", async () => {
    const hourMs = 3_600_000;
    const off = (by: number, boundMs: number | null) => (): ClockReading => ({
      wallMs: wallMs(systemTime.wallMs() + by),
      boundMs,
    });
    expect(wordOf(await clientOf({ clock: off(hourMs, 10) }).cosign(log.request(8), never))).toBe("clock-disagrees");
    expect(wordOf(await clientOf({ clock: off(-hourMs, 10) }).cosign(log.request(8), never))).toBe("clock-disagrees");
    expect(wordOf(await clientOf({ clock: off(hourMs, null) }).cosign(log.request(8), never))).toBe("cosigned");
    expect(wordOf(await clientOf({ clock: off(hourMs, hourMs) }).cosign(log.request(8), never))).toBe("cosigned");
  });

  test("a witness whose clock ran backwards still keeps to one history", async () => {
    const time = new ManualTime(1_790_000_000_000);
    await using slow = await WitnessFixture.open([log], time);
    await slow.post(log.body(0, 8));
    time.setWall(1_780_000_000_000);
    expect((await slow.post(log.rolledBack(2).grow(9, "lie").body(8))).status).toBe(422);
    expect((await slow.post(log.body(8, 9))).status).toBe(200);
  });
});

describe("with a witness that misbehaves", () => {
  let server: Server;
  let handle: RequestListener;
  let url: string;
  beforeEach(async () => {
    server = createServer((request, response) => handle(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const conflict =
    (size: string): RequestListener =>
    (request, response) =>
      request.method === "POST"
        ? response.writeHead(409, { "content-type": "text/x.tlog.size" }).end(size)
        : response.writeHead(404).end();

  test.each<[string, RequestListener, string]>([
    ["answers with nothing", (_, response) => response.end(), "wrong-cosignature"],
    ["answers with garbage", (_, response) => response.end("<html>"), "wrong-cosignature"],
    ["answers with somebody else's cosignature", (_, response) => response.end(otherLine()), "wrong-cosignature"],
    ["is out of order", (_, response) => response.writeHead(500).end(), "other-answer"],
    ["does not want to", (_, response) => response.writeHead(403).end("no"), "forbidden"],
    ["refuses even the first checkpoint", (_, response) => response.writeHead(422).end(), "other-answer"],
    ["sends us elsewhere", (_, response) => response.writeHead(302, { location: "/" }).end(), "other-answer"],
    ["answers without end", (_, response) => response.end("x".repeat(noteMaxBytes + 1)), "other-answer"],
    ["says nothing", () => {}, "timed-out"],
    ["breaks off", (_, response) => void response.destroy(), "connection-lost"],
    ["names another size each time", growing(), "no-agreement"],
  ])("one that %s", async (_, listener, expected) => {
    handle = listener;
    expect(wordOf(await clientOf({ url, timeoutMs: 300 }).cosign(log.request(), never))).toBe(expected);
  });

  test("one that shows no head is believed when it says that it is ahead, without proof", async () => {
    handle = conflict("21\n");
    expect(await clientOf({ url }).cosign(log.request(), never)).toEqual({ kind: "ahead", size: 21, isProven: false });
  });

  test("one that says so and shows a head that the log extends contradicts itself", async () => {
    const { text, note } = log.request(5);
    const line = cosign(text, Math.floor(systemTime.wallMs() / 1000), witness.signer);
    handle = (request, response) =>
      request.method === "GET" ? response.end(withSignature(note, line)) : conflict("21\n")(request, response);
    expect(wordOf(await clientOf({ url }).cosign(log.request(), never))).toBe("witness-contradicts-itself");
  });

  test("a head of its own making proves nothing", async () => {
    const forger = new BoxLog().grow(30);
    const line = cosign(forger.request().text, Math.floor(systemTime.wallMs() / 1000), witness.signer);
    handle = (request, response) =>
      request.method === "GET" ? response.end(withSignature(forger.note(), line)) : conflict("30\n")(request, response);
    expect(await clientOf({ url }).cosign(log.request(), never)).toMatchObject({ kind: "ahead", isProven: false });
    handle = (request, response) =>
      request.method === "GET" ? response.end("") : response.writeHead(403).end("epoch 9\n");
    expect(wordOf(await clientOf({ url }).cosign(log.request(), never))).toBe("forbidden");
  });

  test("one that goes away before it shows its head leaves it open", async () => {
    handle = (request, response) =>
      request.method === "GET" ? response.destroy() : conflict("30\n")(request, response);
    expect(wordOf(await clientOf({ url }).cosign(log.request(), never))).toBe("connection-lost");
  });

  function otherLine(): string {
    return `${cosign(log.request().text, 1_790_000_000, newSigner("witness.example"))}\n`;
  }

  function growing(): RequestListener {
    let size = 0;
    return (request, response) => conflict(`${++size}\n`)(request, response);
  }
});
