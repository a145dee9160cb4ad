import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { silentLog } from "../../base/log.ts";
import { between, seededRandom } from "../../base/random.ts";
import { wallMs } from "../../base/time.ts";
import { BoxLog } from "../../testing/evidence/box-log.ts";
import { newSigner, WitnessFixture } from "../../testing/evidence/witness-fixture.ts";
import { ManualTime } from "../../testing/manual-time.ts";
import { cosignedAt, isSignedBy, parseNote, verifierKeyText } from "../note.ts";
import { requestMaxBytes } from "./add-checkpoint.ts";
import { connectionsMax, originHash, WitnessServer } from "./witness-server.ts";
import { contradictionsMax, WitnessStore } from "./witness-store.ts";

const startMs = wallMs(1_790_000_000_000);
let log: BoxLog;
let time: ManualTime;
let witness: WitnessFixture;

beforeEach(async () => {
  log = new BoxLog().grow(10);
  time = new ManualTime(startMs);
  witness = await WitnessFixture.open([log], time);
});
afterEach(() => witness[Symbol.asyncDispose]());

describe("it answers", () => {
  test("with its cosignature and its time", async () => {
    const { status, body } = await witness.post(log.body(0, 4));
    expect(status).toBe(200);
    expect(cosignedAt(log.request(4).text, body.trimEnd(), witness.signer)).toBe(startMs / 1000);
    expect(body.endsWith("\n")).toBe(true);
  });

  test("with the size that it has when it is asked from another one", async () => {
    await witness.post(log.body(0, 4));
    expect(await witness.post(log.body(0, 6))).toEqual({ status: 409, type: "text/x.tlog.size", body: "4\n" });
    expect((await witness.post(log.body(4, 6))).status).toBe(200);
  });

  test("the same checkpoint again with a new time", async () => {
    const first = await witness.post(log.body(0, 4));
    time.setWall(startMs + 300_000);
    const second = await witness.post(log.body(4, 4));
    expect(second.status).toBe(200);
    expect(second.body).not.toBe(first.body);
  });

  test.each([
    [
      "403 to a signature that is not the box's",
      (): string => log.body(0, 4).replace(/— (\S+) .*/, "— $1 AAAAAAAA"),
      403,
    ],
    ["404 to a log that it does not know", (): string => new BoxLog().grow(2).body(0), 404],
    ["400 to what is no request", (): string => "old x\n\nhello", 400],
    ["400 to nothing", (): string => "", 400],
    ["413 to what is too long", (): string => "x".repeat(requestMaxBytes + 1), 413],
  ])("%s", async (_, body, status) => {
    expect((await witness.post(body())).status).toBe(status);
    expect(witness.store.logs()).toEqual([]);
  });

  test("422 and 409 to another history, which is remembered once", async () => {
    await witness.post(log.body(0, 6));
    const forged = log.rolledBack(3).grow(7, "lie");
    for (let again = 0; again < 3; again++) {
      expect((await witness.post(forged.body(6, 8))).status).toBe(422);
    }
    expect(await witness.post(forged.body(6, 6))).toMatchObject({ status: 409, type: "text/plain; charset=utf-8" });
    expect(witness.store.contradictions(log.origin).map(({ reason }) => reason)).toEqual([
      "other-root",
      "not-an-extension",
    ]);
  });

  test("405 to other methods, 404 to other paths", async () => {
    expect((await witness.get("/add-checkpoint")).status).toBe(405);
    expect((await witness.post("x", "/logs")).status).toBe(405);
    expect((await witness.get("/../etc/passwd")).status).toBe(404);
    expect((await witness.get(`/${log.origin}/checkpoint`)).status).toBe(404);
  });
});

describe("it shows", () => {
  test("its latest cosigned note by origin and by its hash", async () => {
    await witness.post(log.body(0, 4));
    await witness.post(log.body(4, 9));
    const { body, status } = await witness.get(`/${log.origin}/checkpoint`);
    expect(status).toBe(200);
    const note = parseNote(body);
    expect(note?.text).toBe(log.request(9).text);
    expect(note !== null && isSignedBy(note, { name: log.origin, publicKey: log.publicKey })).toBe(true);
    expect(note?.signatures.map(({ line }) => cosignedAt(note.text, line, witness.signer))).toContain(startMs / 1000);
    expect((await witness.get(`/${originHash(log.origin)}/checkpoint`)).body).toBe(body);
  });

  test("only signatures that it has verified", async () => {
    const alien = "— somebody.example AAAAAAAAAAAAAAAAAAAA";
    expect((await witness.post(`${log.body(0, 4)}${alien}\n`)).status).toBe(200);
    expect((await witness.get(`/${log.origin}/checkpoint`)).body).not.toContain("somebody.example");
  });

  test("every epoch that a box ever began, as JSON and as a page", async () => {
    await witness.post(log.body(0, 4));
    time.setWall(startMs + 60_000);
    await witness.post(log.nextEpoch().grow(2).body(0));
    const report = JSON.parse((await witness.get("/logs")).body);
    expect(report.witness).toBe(verifierKeyText(witness.signer, "cosignature"));
    expect(report.boxes).toMatchObject([
      {
        label: "Box <0>",
        logs: [
          { epoch: 2, size: 2, firstSeconds: startMs / 1000 + 60 },
          { epoch: 1, size: 4, firstSize: 4, firstSeconds: startMs / 1000, contradictions: 0 },
        ],
      },
    ]);
    const page = (await witness.get("/")).body;
    expect(page).toContain("Box &#60;0&#62;");
    expect(page).toContain("begun anew once");
    expect(await witness.post(log.body(4, 6))).toMatchObject({ status: 403, body: "epoch 2\n" });
  });
});

test("a healthy log that is set back and filled with false records is never cosigned", async () => {
  const random = seededRandom(7);
  const healthy = new BoxLog(log.privateKey, 1).grow(379);
  for (let size = 0, old = 0; size < 379; old = size) {
    size = Math.min(379, size + 24);
    expect((await witness.post(healthy.body(old, size))).status).toBe(200);
  }
  const points = Array.from({ length: 24 }, (_, index) => Math.floor((index * 379) / 24));
  let accepted = 0;
  let tries = 0;
  for (const point of points) {
    for (const size of [between(random, point + 1, 378), 379, between(random, 380, 460)]) {
      const forged = healthy.rolledBack(point).grow(size - point, "outage of the provider");
      for (const old of [0, point, 379]) {
        tries++;
        if ((await witness.post(forged.body(old))).status === 200) accepted++;
      }
    }
  }
  expect({ points: points.length, tries, accepted }).toEqual({ points: 24, tries: 216, accepted: 0 });
  expect(witness.store.head(log.origin)?.checkpoint.root).toEqual(parseRoot(healthy));
  expect(witness.store.contradictions(log.origin).length).toBeLessThanOrEqual(contradictionsMax);
}, 60_000);

function parseRoot(of: BoxLog): Buffer {
  return Buffer.from(of.request().text.split("\n")[2] ?? "", "base64");
}

test("what it has cosigned is there after a new start", async () => {
  await witness.post(log.body(0, 6));
  await witness.server[Symbol.asyncDispose]();
  witness.store[Symbol.dispose]();
  witness.store = WitnessStore.open(witness.directory, witness.signer);
  const boxes = [{ label: "the box", publicKey: log.publicKey }];
  const { signer, store } = witness;

  witness.server = await WitnessServer.open({ host: "127.0.0.1", port: 0, signer, boxes, store, time, log: silentLog });
  expect((await witness.post(log.rolledBack(2).grow(7, "lie").body(0))).status).toBe(409);
  expect((await witness.post(log.body(6, 8))).status).toBe(200);
});

test("it is told when its port is taken", async () => {
  const { signer, store } = witness;
  const port = Number(new URL(witness.url).port);

  const open = WitnessServer.open({ host: "127.0.0.1", port, signer, boxes: [], store, time, log: silentLog });
  await expect(open).rejects.toMatchObject({ code: "address-in-use" });
});

test("a connection that says nothing does not hold up a stop for ever", async () => {
  const { port, hostname } = new URL(witness.url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  await new Promise((resolve) =>
    socket.write("POST /add-checkpoint HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nol", resolve),
  );
  expect((await witness.post(log.body(0, 4))).status).toBe(200);
  const stopped = witness.server[Symbol.asyncDispose]();
  await time.advance(3_000);
  await stopped;
});

test("it holds no more connections than it may, and takes new ones when others end", async () => {
  const { port, hostname } = new URL(witness.url);
  const open = async (): Promise<Socket> => {
    const socket = connect(Number(port), hostname);
    socket.on("error", () => {});
    await once(socket, "connect");
    return socket;
  };
  const held: Socket[] = [];
  for (let each = 0; each < connectionsMax; each++) held.push(await open());
  const refused = await open();
  await once(refused.resume(), "close");
  for (const socket of held) socket.destroy();
  await expect
    .poll(() =>
      witness.post(log.body(0, 4)).then(
        ({ status }) => status,
        () => "refused",
      ),
    )
    .toBe(200);
});

test("another witness's key, and a changed head, do not open the store", async () => {
  await witness.post(log.body(0, 6));
  await witness.server[Symbol.asyncDispose]();
  expect(() => WitnessStore.open(witness.directory, witness.signer)).toThrow(
    expect.objectContaining({ code: "already-running" }),
  );
  witness.store[Symbol.dispose]();
  expect(() => WitnessStore.open(witness.directory, newSigner("witness.example"))).toThrow(
    expect.objectContaining({ code: "store-unusable" }),
  );
  witness.store = WitnessStore.open(witness.directory, witness.signer);
});
