import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { present } from "../../base/assert.ts";
import { type WallMs, wallMs } from "../../base/time.ts";
import { type BundleFile, withSums } from "../../evidence/bundle/bundle.ts";
import { inclusionPath, rootOver } from "../../evidence/merkle.ts";
import { publicKeyText, verifierKeyText } from "../../evidence/note.ts";
import type { RecordContent } from "../../evidence/record.ts";
import type { Layers } from "../../outage/layers.ts";
import { type Answers, askBoth } from "./both-verifiers.ts";
import { bundleOf } from "./generated-bundle.ts";
import { generateLog } from "./generated-log.ts";
import { rolledBack } from "./log-builder.ts";
import { disagreementOf } from "./mutation-findings.ts";
import { allWell, scenesOf } from "./outage-scenes.ts";
import type { ShellQuestion } from "./shell-verifier.ts";
import { createTestAuthority } from "./test-authority.ts";
import { seededWitness, signedBy } from "./test-keys.ts";

/** Where both verifiers have to come to the same verdicts, and why. */

// The shell starts a hundred processes.
vi.setConfig({ testTimeout: 120_000 });

const directory = mkdtempSync(join(tmpdir(), "both-verifiers-"));
afterAll(() => rmSync(directory, { recursive: true }));

const authority = createTestAuthority(join(directory, "authority"));
const witness = seededWitness("witness.example/w1");
const vouchers = { authority, witnesses: [witness] };
const log = generateLog({ seed: 11, ...vouchers, causes: ["internet-provider"], peace: 3 });
const files = bundleOf(log, { bare: true });
const question: ShellQuestion = {
  key: publicKeyText(log.signer.publicKey),
  authorities: authority.caFile,
  witnesses: [verifierKeyText(witness, "cosignature")],
  head: null,
};

function ask(of: readonly BundleFile[], env?: NodeJS.ProcessEnv): Promise<Answers> {
  return askBoth(directory, of, question, env);
}

function changed(path: string, change: (text: string) => string): readonly BundleFile[] {
  return files.map((each) =>
    each.path === path ? { path, bytes: Buffer.from(change(Buffer.from(each.bytes).toString())) } : each,
  );
}

const open = "could not check";
const nothingBehind = { INTEGRITY: "not verified", TIME: open, UNIQUENESS: open, CAUSE: open };

describe("files that are not those of SHA256SUMS", () => {
  const badForm = "its line 1 is not as sha256sum writes it";
  const badEnd = "its last line does not end as it has to";

  test.each<[string, (text: string) => string, string]>([
    ["a hash", (text) => text.replace(/^./, (digit) => (digit === "0" ? "1" : "0")), "changed: checkpoints/"],
    [
      "the name of a file",
      (text) => text.replace("keys/log.key", "keys/log.kez"),
      "listed but not there: keys/log.kez",
    ],
    ["a line less", (text) => text.replace(/.*keys\/log.key\n/, ""), "not listed: keys/log.key"],
    ["lines in another order", (text) => text.replace(/^(.*\n)(.*\n)/, "$2$1"), "not listed: checkpoints/"],
    ["a space less", (text) => text.replace("  ", " "), badForm],
    ["the mark of a binary file", (text) => text.replace("  ", " *"), badForm],
    ["capitals", (text) => text.toUpperCase(), badForm],
    ["CR LF", (text) => text.replaceAll("\n", "\r\n"), badForm],
    ["nothing in it", () => "", badForm],
    ["an empty line before it", (text) => `\n${text}`, badForm],
    ["an empty line behind it", (text) => `${text}\n`, badEnd],
    ["no line feed at its end", (text) => text.slice(0, -1), badEnd],
    ["a NUL byte behind it", (text) => `${text}\0`, "SHA256SUMS has a NUL byte"],
    ["lines without end", (text) => text + text.repeat(100), "lists far more files than there are"],
    ["what steers a terminal", (text) => text.replace("log.key", "\u001b[2J"), "is not as sha256sum writes it"],
  ])("with %s in SHA256SUMS are named, and nothing else is believed", async (_, change, told) => {
    const { shell, own } = await ask(changed("SHA256SUMS", change));
    expect(shell).toMatchObject({ status: 1, verdicts: nothingBehind });
    expect(shell.output.split("\n")[0]).toContain(told);
    expect(shell.output).toContain(`TIME        could not check: ${own.time.because.join()}\n`);
    expect(shell.output).toMatch(/^[\n -~]*$/);
    expect(disagreementOf(own, shell)).toBeNull();
  });

  test("are told of before openssl is asked for anything", async () => {
    const tools = mkdtempSync(join(directory, "tools-"));
    const names = "awk basenc cat cut date head jq mkdir mktemp rm sha256sum split tail tr wc";
    for (const name of names.split(" ")) symlinkSync(`/usr/bin/${name}`, join(tools, name));
    writeFileSync(join(tools, "openssl"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    expect((await ask(files, { PATH: tools })).shell).toMatchObject({ status: 2, verdicts: {} });
    const { shell } = await ask(
      changed("manifest.json", () => "{}"),
      { PATH: tools },
    );
    expect(shell).toMatchObject({ status: 1, verdicts: nothingBehind });
    expect(shell.output).toContain("the files are not those of SHA256SUMS (changed: manifest.json)");
  });

  test("with one too many are found under any name", async () => {
    for (const path of ["external/tick et.pdf", "external/-rf", "keys/tsa-0.pem", "checkpoints/01.ckpt", "proofs/x"]) {
      const { shell, own } = await ask([...files, { path, bytes: Buffer.from("x") }]);
      expect(shell, path).toMatchObject({ status: 1, verdicts: nothingBehind });
      expect(disagreementOf(own, shell), path).toBeNull();
    }
  });
});

test("a proof that nobody needs is a file too many, though it holds and all is signed", async () => {
  const size = present(log.checkpoints.at(-1), "the log has checkpoints").size;
  const hashes = inclusionPath(3, size).map(
    ({ from, to }) => `${rootOver(log.leaves.slice(from, to)).toString("hex")}\n`,
  );
  const proof = { path: `proofs/inclusion-3-${size}`, bytes: Buffer.from(hashes.join("")) };
  const others = files.filter(({ path }) => !path.startsWith("SHA256SUMS"));
  const { shell, own } = await ask(withSums([...others, proof], signedBy(log.signer.privateKey)));
  expect(own.integrity.failures.map(({ code, where }) => [code, where])).toEqual([["file-unexpected", proof.path]]);
  expect(disagreementOf(own, shell)).toBeNull();
});

describe("an outage in the samples that no window tells of", () => {
  test.each([
    [3, "not verified"],
    [2, "verified"],
  ])("of %i samples: CAUSE is %s", async (count, cause) => {
    // Behind the two anchors of the last checkpoint.
    const builder = rolledBack(log, present(log.checkpoints.at(-1), "the log has checkpoints").size + 2);
    const [layers = allWell] = scenesOf("own-network");
    for (const each of [allWell, ...Array<Layers>(count).fill(layers), allWell]) {
      builder.pass(5_000);
      const isWell = each === allWell;
      builder.record({ kind: "sample", data: { layers: each, cause: isWell ? null : "own-network", whole: true } });
    }
    builder.anchor(vouchers);
    const { shell, own } = await ask(bundleOf(builder.build(), { bare: true }));
    expect(shell.verdicts).toEqual({ INTEGRITY: "verified", TIME: "verified", UNIQUENESS: "verified", CAUSE: cause });
    expect(shell.output.includes("fails by own-network and no window tells of it")).toBe(count === 3);
    expect(own.cause.failures.map(({ code }) => code)).toEqual(count === 3 ? ["failure-untold"] : []);
    expect(disagreementOf(own, shell)).toBeNull();
  });
});

describe("a window that claims other times than its samples have, between two timestamps", () => {
  test.each([
    ["begins ten minutes before them", -600_000, 0, "not verified"],
    ["ends ten minutes behind them", 0, 600_000, "not verified"],
    ["has their times", 0, 0, "verified"],
  ])("%s", async (_, startShiftMs, endShiftMs, time) => {
    const builder = rolledBack(log, present(log.checkpoints.at(-1), "the log has checkpoints").size + 2);
    const [layers = allWell] = scenesOf("own-network");
    const look = (each: Layers, cause: string | null): void => {
      builder.pass(5_000);
      builder.record({ kind: "sample", data: { layers: each, cause, whole: true } });
    };
    builder.pass(900_000);
    look(allWell, null);
    const begun = builder.now;
    for (let count = 0; count < 3; count += 1) look(layers, "own-network");
    const window = { id: "w", cause: "own-network", exemption: "not-exempt" } as const;
    const interval = (fromMs: number, toMs: number) => [fromMs, toMs] as const;
    const start = interval(begun + startShiftMs, begun + 5_000 + startShiftMs);
    builder.record({ kind: "window", data: { ...window, change: "opened", start, end: null } });
    look(allWell, null);
    const end = interval(builder.now - 5_000 + endShiftMs, builder.now + endShiftMs);
    builder.record({ kind: "window", data: { ...window, change: "closed", start, end } });
    builder.pass(900_000);
    builder.anchor(vouchers);
    const { shell, own } = await ask(bundleOf(builder.build(), { bare: true }));
    expect(shell.verdicts).toEqual({
      INTEGRITY: "verified",
      TIME: time,
      UNIQUENESS: "verified",
      CAUSE: "verified",
    });
    expect(own.time.failures.map(({ code }) => code).includes("window-time-contradicted")).toBe(
      time === "not verified",
    );
    expect(disagreementOf(own, shell)).toBeNull();
  });
});

describe("a window that is dated back behind a timestamp", () => {
  test.each([["once"], ["again behind the window"]])("contradicts it where the log names it %s", async (named) => {
    const builder = rolledBack(log, present(log.checkpoints.at(-1), "the log has checkpoints").size + 2);
    const [layers = allWell] = scenesOf("own-network");
    builder.pass(7_200_000);
    builder.anchor(vouchers);
    const anchor = present(builder.build().records.at(-1), "the timestamp is named");
    // The clock of the box is set back, and all that it says from here on fits together.
    const moment = { boot: builder.boot, mono: 1, err: 8, state: "synchronised" } as const;
    let now = wallMs(builder.now - 3_600_000);
    const look = (each: Layers, cause: string | null): void => {
      now = wallMs(now + 5_000);
      builder.add({ ...moment, wall: now, kind: "sample", data: { layers: { ...each }, cause, whole: true } });
    };
    const change = (kind: "opened" | "closed", end: readonly [WallMs, WallMs] | null): void => {
      const data = { id: "w", cause: "own-network", exemption: "not-exempt", change: kind, start, end } as const;
      builder.add({ ...moment, wall: now, kind: "window", data });
    };
    look(allWell, null);
    const start = [now, wallMs(now + 5_000)] as const;
    for (let count = 0; count < 3; count += 1) look(layers, "own-network");
    change("opened", null);
    look(allWell, null);
    change("closed", [wallMs(now - 5_000), now]);
    if (named !== "once") builder.add(anchor);
    builder.pass(900_000);
    builder.anchor(vouchers);
    const { shell, own } = await ask(bundleOf(builder.build(), { bare: true }));
    expect(own.time.failures.map(({ code }) => code)).toContain("window-time-contradicted");
    expect(disagreementOf(own, shell)).toBeNull();
  });
});

/** A record as somebody could write it who does not use badged for it. */
function said(kind: string, data: object): RecordContent {
  return JSON.parse(JSON.stringify({ kind, data }));
}

describe("a record that no box writes", () => {
  const layers = { ...allWell };
  const at = [1_772_430_000_000, 1_772_430_001_000];
  const window = { id: "w", change: "opened", cause: "service", exemption: "presumed", start: at, end: null };
  const sample = { layers, cause: null, whole: true };
  const astray = { layers: { ...layers, service: "other-way", token: "failed" }, cause: "service", whole: true };

  test.each<[string, readonly RecordContent[], "INTEGRITY" | "CAUSE" | null]>([
    ["of a kind that there is not", [said("rumour", { reason: "x" })], "INTEGRITY"],
    ["of a known kind without its data", [said("stop", {})], "INTEGRITY"],
    ["with a key too many", [said("stop", { reason: "x", more: 1 })], "INTEGRITY"],
    ["with text for a count", [said("torn", { dropped: "1" })], "INTEGRITY"],
    ["with times the wrong way round", [said("window", { ...window, start: at.toReversed() })], "INTEGRITY"],
    ["that has backslashes, DEL and what looks like it", [said("stop", { reason: "a\\b \\\\ \u007f \\u007f" })], null],
    ["whose cause is the mark for none", Array(4).fill(said("sample", { ...sample, cause: "-" })), "CAUSE"],
    [
      "that blames the service for a way of the site's own",
      [...Array(3).fill(said("sample", astray)), said("window", window), said("sample", astray)],
      "CAUSE",
    ],
    [
      "that makes an own fault exempt",
      [
        said("window", { ...window, cause: "operator" }),
        said("window", { ...window, cause: "operator", change: "closed", end: at }),
      ],
      "CAUSE",
    ],
  ])("%s is the same to both verifiers", async (_, contents, wrong) => {
    const builder = rolledBack(log, present(log.checkpoints.at(-1), "the log has checkpoints").size + 2);
    for (const content of [said("sample", sample), ...contents, said("sample", sample)]) {
      builder.pass(5_000);
      builder.record(content);
    }
    builder.anchor(vouchers);
    const { shell, own } = await ask(bundleOf(builder.build(), { bare: true }));
    if (wrong !== null) expect(shell.verdicts[wrong]).toBe("not verified");
    else expect(shell.verdicts["INTEGRITY"]).toBe("verified");
    expect(disagreementOf(own, shell)).toBeNull();
  });
});
