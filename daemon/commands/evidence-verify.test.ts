import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { wallMs } from "../base/time.ts";
import { bundleOf, writeBundle } from "../testing/evidence/generated-bundle.ts";
import { LogBuilder, seededSigner } from "../testing/evidence/log-builder.ts";
import { verifyInShell } from "../testing/evidence/shell-verifier.ts";
import { outageBundle } from "../testing/small-bundle/outage-log.ts";
import { type EvidenceVerifyOptions, verifyEvidence } from "./evidence-verify.ts";

const good = outageBundle();
const key = `ed25519:${good.log.public.toString("base64")}`;

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "badged-verify-"));
  for (const [path, bytes] of good.files) {
    mkdirSync(dirname(join(directory, "bundle", path)), { recursive: true });
    writeFileSync(join(directory, "bundle", path), bytes);
  }
  writeFileSync(join(directory, "head"), good.head);
  writeFileSync(join(directory, "key"), `${key}\n`);
  writeFileSync(join(directory, "text"), "no key\n");
});
afterAll(() => rmSync(directory, { recursive: true }));

type Ran = { readonly code: number; readonly out: string; readonly err: string };

function verify(bundle: string, options: EvidenceVerifyOptions): Ran {
  const out: string[] = [];
  const err: string[] = [];
  const terminal = {
    out: (line: string) => void out.push(line),
    err: (line: string) => void err.push(line),
    interactive: false,
  };
  const code = verifyEvidence(join(directory, bundle), options, terminal);
  return { code, out: out.join("\n"), err: err.join("\n") };
}

/** Of an owner who hopes that somebody takes a name in his log for an answer of the verifier. */
async function answersTo(name: string): Promise<readonly string[]> {
  const signer = seededSigner("w", 2);
  const builder = new LogBuilder(signer, wallMs(1_772_428_800_000), "11111111-1111-4111-8111-111111111111");
  const previous = { origin: name, size: 3, root: "00".repeat(32) };
  const logKey = Buffer.from(signer.publicKey).toString("base64");
  const epoch = { format: 1, origin: signer.name, key: logKey, previous, reason: "rollback" } as const;
  builder.record({ kind: "epoch", data: epoch });
  const window = { id: name, change: "opened", cause: name, exemption: name, start: [1, 2], end: null } as const;
  builder.record({ kind: "window", data: window });
  builder.checkpoint();
  writeBundle(bundleOf(builder.build(), { bare: true }), join(directory, "named"));
  const question = { key: `ed25519:${logKey}`, authorities: null, witnesses: [], head: null };
  const { output } = await verifyInShell(join(directory, "named"), question);
  return [verify("named", { key: question.key }).out, output];
}

describe("badged evidence verify", () => {
  test.each([
    ["begins a line", "x\nCAUSE        verified: all\r"],
    ["steers the terminal", "\u001b[2J\u001b[HINTEGRITY    verified"],
    ["is read from the right", "\u202everified\u05d0\u05d1"],
    ["stands where the terminal breaks a line", `${"x".repeat(60)}   CAUSE verified`],
  ])("and verify.sh show no name that %s", async (_, name) => {
    for (const output of await answersTo(name)) {
      expect(output.match(/^(?:INTEGRITY|TIME|UNIQUENESS|CAUSE) +/gm)).toHaveLength(4);
      expect(output).toMatch(/^[\n -~]*$/);
      expect(output).not.toContain("CAUSE verified");
    }
  });

  test("says the four verdicts, then what is claimed and proven of each window", () => {
    const witness = [good.witnessKey];
    const { code, out } = verify("bundle", {
      key: join(directory, "key"),
      witness,
      witnessHead: join(directory, "head"),
    });
    expect(code).toBe(0);
    expect(out).toMatch(/^INTEGRITY +verified/m);
    expect(out).toMatch(/^TIME +could not check: no --tsa-ca was given/m);
    expect(out).toMatch(/^UNIQUENESS +verified/m);
    expect(out).toMatch(/^CAUSE +verified/m);
    expect(out).toContain("claimed between 2026-03-02T06:59:29.992Z and 2026-03-02T07:00:00.008Z");
    expect(out).toContain("proven  at a time that nothing bounds");
  });

  test("ends with 1 for another key, and with 2 without one", () => {
    const other = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    expect(verify("bundle", { key: other }).code).toBe(1);
    expect(verify("bundle", {}).code).toBe(2);
  });

  test.each<[string, EvidenceVerifyOptions]>([
    ["--key", { key: "nothing" }],
    ["--tsa-ca", { key, tsaCa: "text" }],
    ["--witness", { key, witness: ["text"] }],
    ["--witness-head", { key, witnessHead: "text" }],
  ])("ends with 2 and says so when %s names nothing of use", (name, options) => {
    const { code, err, out } = verify("bundle", options);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(name);
  });

  test("ends with 2 and says so when there is no bundle, or none that could be one", () => {
    for (const name of ["nothing", "text"]) {
      const { code, out, err } = verify(name, { key });
      expect({ code, out }, name).toEqual({ code: 2, out: "" });
      expect(err, name).toMatch(/^badged: could not check: /);
    }
  });

  test("ends with 1 when a folder is not whole", () => {
    mkdirSync(join(directory, "empty"));
    expect(verify("empty", { key }).code).toBe(1);
  });

  test("writes a document for machines", () => {
    const document: unknown = JSON.parse(verify("bundle", { key, json: true }).out);
    expect(document).toMatchObject({
      status: 0,
      integrity: { finding: "verified", failures: [] },
      windows: [{ id: "w1", claimed: {}, proven: { start: [null, null], end: [null, null] } }],
    });
  });
});
