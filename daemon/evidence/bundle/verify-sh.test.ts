import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type BundleWish, bundleOf, contentOf, writeBundle } from "../../testing/evidence/generated-bundle.ts";
import { addFakeOutage, generateLog, windowIdsOf } from "../../testing/evidence/generated-log.ts";
import { type EvidenceLog, rolledBack } from "../../testing/evidence/log-builder.ts";
import { type ShellAnswer, type ShellQuestion, verifyInShell } from "../../testing/evidence/shell-verifier.ts";
import { createTestAuthority } from "../../testing/evidence/test-authority.ts";
import { seededKey, seededWitness, signedBy } from "../../testing/evidence/test-keys.ts";
import { leafHash } from "../merkle.ts";
import { cosign, publicKeyText, signNote, verifierKeyText, withSignature } from "../note.ts";
import type { RecordContent } from "../record.ts";
import { lineOf } from "../record-line.ts";
import { type BundleFile, bundleFiles, withSums } from "./bundle.ts";

// The verifier starts a hundred processes, and a test runs it several times.
vi.setConfig({ testTimeout: 120_000 });

const directory = mkdtempSync(join(tmpdir(), "verify-sh-"));
afterAll(() => rmSync(directory, { recursive: true }));

const authority = createTestAuthority(join(directory, "authority"));
const witness = seededWitness("witness.example/w1");
const vouchers = { authority, witnesses: [witness] };
const log = generateLog({ seed: 11, ...vouchers, causes: ["internet-provider", "service"], peace: 3 });
const sign = signedBy(log.signer.privateKey);
const question: ShellQuestion = {
  key: publicKeyText(log.signer.publicKey),
  authorities: authority.caFile,
  witnesses: [verifierKeyText(witness, "cosignature")],
  head: null,
};

let folder = "";
let count = 0;
function takeNewFolder(): void {
  count += 1;
  folder = join(directory, `bundle-${count}`);
}
beforeEach(takeNewFolder);

/** How many records the log has after the `anchor` records of its checkpoint of that place, counted from the end when negative. */
function anchoredSize(place: number): number {
  return (log.checkpoints.at(place)?.size ?? 0) + 2;
}

function ask(files: readonly BundleFile[], asked: Partial<ShellQuestion> = {}): Promise<ShellAnswer> {
  writeBundle(files, folder);
  return verifyInShell(folder, { ...question, ...asked });
}

function bundle(from: EvidenceLog = log, wish: BundleWish = {}): readonly BundleFile[] {
  return bundleOf(from, { bare: true, ...wish });
}

/** The bundle with one file changed, and everything signed again by the owner. */
function changed(path: string, change: (text: string) => string): readonly BundleFile[] {
  const files = bundle().filter((each) => !each.path.startsWith("SHA256SUMS"));
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
  return withSums(
    files.map((each) => (each.path === path ? { path, bytes: Buffer.from(change(text(each.bytes))) } : each)),
    sign,
  );
}

const all = { INTEGRITY: "verified", TIME: "verified", UNIQUENESS: "verified", CAUSE: "verified" };

function noteFile(size: number, extra: readonly string[] = []): string {
  const checkpoint = log.checkpoints.find((each) => each.size === size);
  const file = join(directory, `head-${size}-${extra.length}`);
  writeFileSync(file, extra.reduce(withSignature, checkpoint?.note ?? ""));
  return file;
}

describe("a good bundle", () => {
  test("is verified in four ways, and tells the bounds of its windows", async () => {
    const answer = await ask(bundleOf(log, { authorities: [authority], witnesses: [witness] }));
    expect(answer.verdicts).toEqual(all);
    expect(answer.status).toBe(0);
    for (const id of windowIdsOf(log)) expect(answer.output).toContain(`window ${id}\n  began  claimed between 2026-`);
  });

  test("may end with a leaf whose hash looks like a word", async () => {
    const said = (sha256: string): RecordContent => ({ kind: "configuration", data: { sha256 } });
    const place = rolledBack(log, log.lines.length).record(said("00".repeat(32)));
    const leafOf = (content: RecordContent): string => leafHash(lineOf({ ...place, ...content })).toString("hex");
    // The verifier's awk tells what is wrong in lines that begin with this word: one leaf in 4096 does as well.
    let count = 0;
    while (!leafOf(said(count.toString(16).padStart(64, "0"))).startsWith("bad")) count += 1;
    const builder = rolledBack(log, log.lines.length);
    builder.record(said(count.toString(16).padStart(64, "0")));
    builder.checkpoint();
    const answer = await ask(bundle(builder.build()), { witnesses: [] });
    expect(answer.output).toMatch(/^INTEGRITY {3}verified/);
    expect(answer.status).toBe(0);
  });

  test("may begin anywhere, and have samples that are only hashes", async () => {
    const [, before, , last] = log.checkpoints;
    const first = (before?.size ?? 0) - 1;
    const erased = new Set(
      log.records.flatMap(({ seq, ...record }) =>
        record.kind === "sample" && record.data.cause === null ? [seq] : [],
      ),
    );
    const sizes = [before?.size ?? 0, last?.size ?? 0];
    // With an anchor left out of the lines, the token over the first checkpoint would be named by nobody.
    const answer = await ask(bundle(log, { first, sizes, erased: new Set([...erased].slice(0, -4)) }));
    expect(answer.verdicts).toMatchObject({ INTEGRITY: "verified", TIME: "verified", UNIQUENESS: "verified" });
    expect(answer.status).toBe(0);
  });

  test("without a key, an authority or a witness says what was not checked", async () => {
    const answer = await ask(bundle(), { key: null, authorities: null, witnesses: [] });
    expect(answer.verdicts).toEqual({
      INTEGRITY: "could not check",
      TIME: "could not check",
      UNIQUENESS: "could not check",
      CAUSE: "verified",
    });
    expect(answer.output).toContain("uniqueness not proven");
    expect(answer.output).toContain("proven  recorded at a time that nothing bounds");
    expect(answer.status).toBe(2);
  });

  test("of a later epoch names its reason", async () => {
    const later = generateLog({ seed: 11, authority: null, witnesses: [], causes: [], peace: 3, epoch: 2 });
    const answer = await ask(bundle(later), { authorities: null, witnesses: [] });
    expect(answer.output).toContain("this is epoch 2 of the log, begun because of rollback");
    expect(answer.status).toBe(0);
  });
});

describe("a bundle whose key was lost", () => {
  const unsigned = (files: readonly BundleFile[]): readonly BundleFile[] =>
    files.filter(({ path }) => path !== "SHA256SUMS.sig");

  test("has all that the log proves, and says that nobody vouches for the rest", async () => {
    const answer = await ask(unsigned(bundleOf(log, { authorities: [authority], witnesses: [witness] })));
    expect(answer.verdicts).toEqual({ ...all, INTEGRITY: "could not check" });
    expect(answer.output).toContain("nobody vouches for the bundle as a whole");
    expect(answer.status).toBe(2);
  });

  test("is not taken when a record or its sum was changed", async () => {
    const edited = changed("log/records.jsonl", (text) => text.replace('"servers":5', '"servers":6'));
    expect(await ask(unsigned(edited))).toMatchObject({ status: 1, verdicts: { INTEGRITY: "not verified" } });
    takeNewFolder();
    const summed = bundle().map((each) => (each.path === "keys/log.key" ? { ...each, bytes: Buffer.from("x") } : each));
    expect(await ask(unsigned(summed))).toMatchObject({ status: 1, verdicts: { INTEGRITY: "not verified" } });
  });
});

describe("a program that is killed under the verifier", () => {
  /** First on the path: kills itself where its arguments match, and is the real one otherwise. */
  function killed(tool: string, pattern: string): string {
    const path = mkdtempSync(join(directory, "killed-"));
    const script = `#!/bin/sh\ncase "$*" in ${pattern}) kill -9 $$ ;; esac\nPATH=$REAL_PATH exec ${tool} "$@"\n`;
    writeFileSync(join(path, tool), script, { mode: 0o755 });
    return path;
  }

  test.each([
    ["openssl", "*pkeyutl*"],
    ["openssl", "*ts*-verify*"],
    ["openssl", "*ts*-reply*"],
    ["jq", "*-S*"],
    ["jq", "*-r*"],
    ["awk", "*-F*"],
    ["sha256sum", "*--*"],
    ["basenc", "*-d*"],
  ])("accuses nobody: %s %s", async (tool, pattern) => {
    writeBundle(bundle(), folder);
    const PATH = `${killed(tool, pattern)}:${process.env["PATH"]}`;
    const answer = await verifyInShell(folder, question, { ...process.env, PATH, REAL_PATH: process.env["PATH"] });
    expect(answer.output).not.toContain("not verified");
    expect(answer.output).toMatch(/verify\.sh: could not check: /);
    expect(answer.status).toBe(2);
  });
});

describe("INTEGRITY is not verified", () => {
  test("with another key", async () => {
    const key = publicKeyText(seededKey("somebody else").publicKey);
    expect(await ask(bundle(), { key })).toMatchObject({ status: 1, verdicts: { INTEGRITY: "not verified" } });
  });

  test("with a file too many, one too few, a changed one or a link", async () => {
    const found = async (files: readonly BundleFile[]): Promise<void> => {
      takeNewFolder();
      expect(await ask(files)).toMatchObject({ status: 1, verdicts: { INTEGRITY: "not verified" } });
    };
    const files = bundle();
    await found([...files, { path: "keys/tsa-9.pem", bytes: Buffer.from("x") }]);
    await found([...files, { path: "log/more\nlines", bytes: Buffer.from("x") }]);
    await found(files.filter(({ path }) => path !== "keys/log.key"));
    await found(files.map((each) => (each.path === "keys/log.key" ? { ...each, bytes: Buffer.from("x") } : each)));
    takeNewFolder();
    mkdirSync(join(folder, "external"), { recursive: true });
    symlinkSync("/etc/passwd", join(folder, "external/link"));
    await expect(ask(files)).resolves.toMatchObject({ status: 1, verdicts: { INTEGRITY: "not verified" } });
  });

  test.each<[string, string, (text: string) => string]>([
    ["a record with a space in it", "log/records.jsonl", (text) => text.replace('"v":1', '"v": 1')],
    ["a record with a number written otherwise", "log/records.jsonl", (text) => text.replace('"v":1', '"v":1.0')],
    ["a key given twice", "log/records.jsonl", (text) => text.replace('"v":1,', '"v":1,"v":1,')],
    ["a huge number", "log/records.jsonl", (text) => text.replace(/"wall":\d+/, '"wall":99999999999999999999')],
    ["a NUL byte", "log/records.jsonl", (text) => text.replace('"v":1', '"v":1\0')],
    ["lines that end in CR LF", "log/records.jsonl", (text) => text.replaceAll("\n", "\r\n")],
    ["two records in a line", "log/records.jsonl", (text) => text.replace("}\n{", "}{")],
    ["data behind the last record", "log/records.jsonl", (text) => `${text}{}\n`],
    ["an edited record", "log/records.jsonl", (text) => text.replace('"servers":5', '"servers":6')],
    ["a huge size", "manifest.json", (text) => text.replace(/"size":\d+/, '"size":9007199254740993')],
    ["a path out of the bundle", "manifest.json", (text) => text.replace(/"\d+\.1\.tsr"/, '"../../../etc/passwd"')],
    ["a checkpoint less", "manifest.json", (text) => text.replace(/\{"cosignatures":[^}]*\},/, "")],
    ["data behind the manifest", "manifest.json", (text) => `${text}{}`],
    [
      "another hash in a proof",
      "proofs/consistency",
      (text) => text.replace(/[0-9a-f]/, (c) => (c === "0" ? "1" : "0")),
    ],
    ["a hash more in a proof", "proofs/consistency", (text) => `${text}${"0".repeat(64)}\n`],
    [
      "a root of another",
      "checkpoints/",
      (text) => text.replace(/(?<=\n\d+\n)./, (first) => (first === "A" ? "B" : "A")),
    ],
  ])("with %s, also when its owner signs it", async (_, path, change) => {
    const isText = (file: string): boolean => !/\.(tsr|cosig)$/.test(file);
    const target = bundle().find((each) => each.path.startsWith(path) && isText(each.path))?.path ?? "";
    const answer = await ask(changed(target, change));
    expect(answer.verdicts["INTEGRITY"]).toBe("not verified");
    expect(answer.status).toBe(1);
  });
});

describe("TIME is not verified", () => {
  test("by another authority", async () => {
    const other = createTestAuthority(join(directory, "other"));
    expect(await ask(bundle(), { authorities: other.caFile })).toMatchObject({
      status: 1,
      verdicts: { ...all, TIME: "not verified" },
    });
  });

  test("with the token of another checkpoint", async () => {
    const [, second] = log.checkpoints;
    const builder = rolledBack(log, anchoredSize(0));
    builder.pass(1000);
    builder.record({ kind: "stop", data: { reason: "x" } });
    builder.checkpoint(second?.tokens, second?.cosignatures);
    expect(await ask(bundle(builder.build()))).toMatchObject({ status: 1, verdicts: { TIME: "not verified" } });
  });

  test("when a window claims to have begun before its record can have been made, or ended after it existed", async () => {
    for (const shiftMs of [-3_600_000, 3_600_000]) {
      const builder = rolledBack(log, anchoredSize(-1));
      const last = log.records.findLast((record) => record.kind === "window" && record.data.change === "closed");
      if (last?.kind !== "window") throw new Error("the log has a window");
      const moved = (each: readonly [number | null, number | null] | null): readonly [number, number] => [
        (each?.[0] ?? 0) + shiftMs,
        (each?.[1] ?? 0) + shiftMs,
      ];
      builder.record({
        kind: "window",
        data: { ...last.data, start: moved(last.data.start), end: moved(last.data.end) },
      });
      builder.anchor(vouchers);
      takeNewFolder();
      const answer = await ask(bundle(builder.build()));
      expect(answer.verdicts).toEqual({ ...all, TIME: "not verified" });
    }
  });

  test("could not be checked without a timestamp", async () => {
    const bare = generateLog({ seed: 2, authority: null, witnesses: [witness], causes: ["service"], peace: 2 });
    expect(await ask(bundle(bare), { key: publicKeyText(bare.signer.publicKey) })).toMatchObject({
      status: 2,
      verdicts: { ...all, TIME: "could not check" },
    });
  });
});

describe("UNIQUENESS is not verified", () => {
  test("without the cosignature of every witness that was named", async () => {
    const other = verifierKeyText(seededWitness("witness.example/w2"), "cosignature");
    expect(await ask(bundle(), { witnesses: [...question.witnesses, other] })).toMatchObject({
      status: 1,
      verdicts: { ...all, UNIQUENESS: "not verified" },
    });
  });

  test("for a log rolled back and continued under a fresh token, which is accepted when nobody asks a witness", async () => {
    const builder = rolledBack(log, anchoredSize(1));
    addFakeOutage(builder, { authority, witnesses: [] }, 5, "internet-provider");
    const forged = bundle(builder.build());
    expect((await ask(forged)).verdicts).toEqual({ ...all, UNIQUENESS: "not verified" });
    expect((await verifyInShell(folder, { ...question, witnesses: [] })).status).toBe(0);
  });

  test("when the witness has seen less, or another history", async () => {
    const [first] = log.checkpoints;
    const line = cosign(first?.text ?? "", 1_772_430_000, witness);
    const head = noteFile(first?.size ?? 0, [line]);
    expect((await ask(bundle(), { head })).verdicts).toEqual({ ...all, UNIQUENESS: "not verified" });
    const otherLog = generateLog({ seed: 11, ...vouchers, causes: ["service", "service"], peace: 3 });
    const last = otherLog.checkpoints.at(-1);
    const size = log.checkpoints.at(-1)?.size ?? 0;
    const text = `${log.signer.name}\n${size}\n${last?.text.split("\n")[2]}\n`;
    const file = join(directory, "other-head");
    writeFileSync(file, withSignature(signNote(text, log.signer), cosign(text, 1_772_430_000, witness)));
    expect((await verifyInShell(folder, { ...question, head: file })).verdicts["UNIQUENESS"]).toBe("not verified");
  });

  test("when the witness has seen more and a window is cut off; otherwise it says how much more", async () => {
    const opened = log.records.find((record) => record.kind === "window");
    const builder = rolledBack(log, (opened?.seq ?? 0) + 1);
    builder.anchor(vouchers);
    const last = log.checkpoints.at(-1);
    const head = noteFile(last?.size ?? 0, last?.cosignatures);
    expect((await ask(bundle(builder.build()), { head })).verdicts["UNIQUENESS"]).toBe("not verified");
    takeNewFolder();
    const cut = bundle(log, { sizes: log.checkpoints.slice(0, -1).map(({ size }) => size) });
    const answer = await ask(cut, { head });
    expect(answer.output).toMatch(/the witness has seen \d+ records after this bundle/);
    expect(answer.status).toBe(0);
    expect(await verifyInShell(folder, { ...question, head, witnesses: [] })).toMatchObject({ status: 2 });
  });
});

describe("CAUSE is not verified", () => {
  test("for a window whose samples show something else, or that the log does not have", async () => {
    const builder = rolledBack(log, anchoredSize(-1));
    const last = log.records.findLast((record) => record.kind === "window" && record.data.cause === "service");
    if (last?.kind !== "window") throw new Error("the log has a window");
    builder.record({ kind: "window", data: { ...last.data, cause: "internet-provider" } });
    builder.anchor(vouchers);
    expect((await ask(bundle(builder.build()))).verdicts).toMatchObject({
      INTEGRITY: "verified",
      CAUSE: "not verified",
    });
    takeNewFolder();
    expect((await ask(bundle(log, { windows: ["no such window"] }))).verdicts["CAUSE"]).toBe("not verified");
  });

  test("could not be checked where the layers alone do not tell it", async () => {
    const power = generateLog({ seed: 11, ...vouchers, causes: ["power-supplier"], peace: 2 });
    const answer = await ask(bundle(power));
    expect(answer.verdicts).toEqual({ ...all, CAUSE: "could not check" });
    expect(answer.status).toBe(0);
  });
});

describe("what is missing", () => {
  test("a tool is named", async () => {
    const tools = join(directory, "tools");
    mkdirSync(tools);
    for (const name of ["openssl", "sha256sum", "awk", "basenc"]) symlinkSync(`/usr/bin/${name}`, join(tools, name));
    writeBundle(bundle(), folder);
    const answer = await verifyInShell(folder, question, { PATH: tools });
    expect(answer.output).toContain("jq is missing");
    expect(answer.status).toBe(2);
  });

  test("a file of the caller's could not be checked", async () => {
    expect(await ask(bundle(), { authorities: join(directory, "nowhere.pem") })).toMatchObject({ status: 2 });
    expect(await verifyInShell(join(directory, "nowhere"), question)).toMatchObject({ status: 2 });
  });
});

test("a bundle for one window with two tokens is small", () => {
  const [before, after] = log.checkpoints;
  const first = before?.size ?? 0;
  const content = contentOf(log, { first, sizes: [first, after?.size ?? 0], report: Buffer.alloc(0) });
  const files = bundleFiles(content, sign);
  const zip = zipSync(Object.fromEntries(files.map(({ path, bytes }) => [path, bytes] as const)), { level: 9 });
  expect(zip.length).toBeLessThan(30_000);
});
