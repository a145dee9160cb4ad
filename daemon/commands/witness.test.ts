import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { between, seededRandom } from "../base/random.ts";
import {
  cosignedAt,
  type NoteKey,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
  publicKeyText,
} from "../evidence/note.ts";
import { BoxLog } from "../testing/evidence/box-log.ts";
import { said } from "../testing/evidence/witness-fixture.ts";
import { badged } from "../testing/run-badged.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "badged-witness-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

type Running = { readonly child: ChildProcess; readonly url: string; readonly key: NoteKey };
async function startWitness(...more: string[]): Promise<Running> {
  const words = ["witness", "--store", directory, "--listen", "127.0.0.1:0", ...more];
  const child = spawn(process.execPath, ["daemon/main.ts", ...words], { stdio: ["ignore", "pipe", "inherit"] });
  let key: NoteKey | null = null;
  for await (const line of createInterface({ input: child.stdout })) {
    const text = /^key {6}(\S+)$/.exec(line)?.[1];
    if (text !== undefined) key = parseVerifierKey(text, "cosignature");
    const url = /"url":"([^"]+)"/.exec(line)?.[1];
    if (url !== undefined) return { child, url, key: present(key, "the key is told before it listens") };
  }
  throw new Error("the witness ended before it listened");
}

async function end({ child }: Running, signal: NodeJS.Signals): Promise<number | null> {
  const ended = once(child, "exit");
  child.kill(signal);
  return (await ended)[0];
}

test("it makes its key at the first start, keeps it, tells it, and stops with 0", async () => {
  const log = new BoxLog().grow(5);
  const trust = join(directory, "boxes");
  writeFileSync(trust, `# boxes of Werf Kanaalkaai\n\n${publicKeyText(log.publicKey)}  Gate north\n`);
  const first = await startWitness("--name", "witness.example", "--trust", trust);
  expect((await said(`${first.url}/add-checkpoint`, { method: "POST", body: log.body(0) })).status).toBe(200);
  expect((await said(`${first.url}/logs`, { method: "GET", body: null })).body).toContain('"Gate north"');
  expect((await badged("witness", "--store", directory, "--trust", trust)).code).toBe(69);
  expect(await end(first, "SIGTERM")).toBe(0);

  const second = await startWitness("--trust", trust);
  expect(second.key).toEqual(first.key);
  expect(await end(second, "SIGINT")).toBe(0);
  const identity = await badged("witness", "identity", "--store", directory, "--json");
  expect(parseVerifierKey(JSON.parse(identity.out).key, "cosignature")).toEqual(first.key);
  expect(statSync(join(directory, "witness-key.pem")).mode & 0o077).toBe(0);
}, 60_000);

test("mistakes are told, with what to do", async () => {
  const trust = join(directory, "boxes");
  writeFileSync(trust, "ed25519:xyz\nhello\n");
  const key = publicKeyText(new BoxLog().publicKey);
  const cases: readonly (readonly [readonly string[], number, string])[] = [
    [["--log", key], 64, "name the witness at its first start"],
    [["--name", "a b", "--log", key], 64, "cannot be a witness's name"],
    [["--listen", "nowhere"], 64, "127.0.0.1:8490"],
    [["--trust", trust], 78, `${trust}:2`],
    [["--log", key, "--log", key], 78, "the same key"],
    [["--trust", join(directory, "none")], 78, "--trust"],
  ];
  for (const [words, code, text] of cases) {
    const ran = await badged("witness", "--store", join(directory, "store"), ...words);
    expect([ran.code, ran.err.includes(text)], ran.err).toEqual([code, true]);
  }
  expect((await badged("witness", "identity", "--store", directory)).code).toBe(66);
}, 60_000);

test.skipIf(process.getuid?.() !== 0)("root leaves nothing in the folder of a service's user", async () => {
  chownSync(directory, 65534, 65534);
  const { code, err } = await badged("witness", "--store", directory, "--name", "witness.example");
  expect({ code, err }).toEqual({ code: 77, err: expect.stringContaining("runuser -u badged-witness") });
  expect(readdirSync(directory)).toEqual([]);
});

test("killed at any moment, it never forgets what it has cosigned", async () => {
  const random = seededRandom(11);
  const log = new BoxLog().grow(400);
  const trusted = ["--name", "witness.example", "--log", publicKeyText(log.publicKey)];
  let answered = 0;
  for (let life = 0; life < 8; life++) {
    const witness = await startWitness(...trusted);
    const shown = await said(`${witness.url}/${log.origin}/checkpoint`, { method: "GET", body: null });
    const head = shown.status === 200 ? parseNote(shown.body) : null;
    const headSize = head === null ? 0 : (parseCheckpoint(head.text)?.size ?? -1);
    // What was answered is there; what was kept but not answered may be, and is of the same log.
    expect(headSize).toBeGreaterThanOrEqual(answered);
    if (head !== null) expect(head.text).toBe(log.request(headSize).text);
    const lie = log.rolledBack(Math.max(0, headSize - 1)).grow(2, "lie");
    if (headSize > 0) {
      expect((await said(`${witness.url}/add-checkpoint`, { method: "POST", body: lie.body(headSize) })).status).toBe(
        422,
      );
    }

    const calls = between(random, 0, 6);
    let size = headSize;
    for (let call = 0; call < calls; call++) {
      const body = log.body(size, size + 1);
      const answer = await said(`${witness.url}/add-checkpoint`, { method: "POST", body });
      expect(cosignedAt(log.request(size + 1).text, answer.body.trimEnd(), witness.key)).not.toBeNull();
      size += 1;
      answered = size;
    }
    // The last call races with the kill: whether it is answered is chance, that nothing is forgotten is not.
    const racing = said(`${witness.url}/add-checkpoint`, { method: "POST", body: log.body(size, size + 1) }).then(
      ({ status }) => status === 200,
      () => false,
    );
    for (let turn = between(random, 0, 40); turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve));
    await end(witness, "SIGKILL");
    if (await racing) answered = size + 1;
  }
  expect(answered).toBeGreaterThan(5);
  expect(readdirSync(directory)).toContain("witness.sqlite");
}, 120_000);
