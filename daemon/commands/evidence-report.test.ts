import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLog } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import { storeSettings } from "../compose/store-settings.ts";
import { append, emptyFrontier } from "../evidence/merkle.ts";
import { Store } from "../store/store.ts";
import { writeSite } from "../testing/campaign/site.ts";
import { generateLog, windowIdsOf } from "../testing/evidence/generated-log.ts";
import type { EvidenceLog } from "../testing/evidence/log-builder.ts";
import { createTestAuthority, type TestAuthority } from "../testing/evidence/test-authority.ts";
import { seededWitness } from "../testing/evidence/test-keys.ts";
import { witnessKeyText } from "../testing/small-bundle/small-bundle.ts";
import { requireConfiguration } from "./configuration.ts";
import { exportEvidence } from "./evidence-export.ts";
import { reportEvidence } from "./evidence-report.ts";
import { verifyEvidence } from "./evidence-verify.ts";

/** A log on disk, and what the commands make of it: the whole way from the store to somebody else's verifier. */

const witness = seededWitness("witness.example/w1");
let directory: string;
let configuration: string;
let authority: TestAuthority;
let log: EvidenceLog;
const shown: string[] = [];
const terminal = { out: (line: string) => void shown.push(line), err: () => {}, interactive: false };

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "badged-report-"));
  authority = createTestAuthority(join(directory, "authority"));
  log = generateLog({ seed: 5, authority, witnesses: [witness], causes: ["internet-provider", "own-network"] });
  ({ configuration } = writeSite(join(directory, "site"), 2, "http://127.0.0.1:9/"));
  const keyFile = join(directory, "log.pem");
  writeFileSync(keyFile, log.signer.privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
  appendFileSync(
    configuration,
    `evidence: { keyFile: ${keyFile}, authority: { url: "http://127.0.0.1:9/", ca: ${authority.caFile} } }\n`,
  );
  await keep(log);
});
afterAll(() => rmSync(directory, { recursive: true }));

/** In one commit for each checkpoint, as the box does it. */
async function keep({ lines, records, checkpoints, leaves }: EvidenceLog): Promise<void> {
  const settings = storeSettings(requireConfiguration(configuration), "daemon");
  await using store = await Store.open(settings, { time: systemTime, log: silentLog });
  const proofs = new Map(
    checkpoints.flatMap(({ size, tokens, cosignatures }) => [
      [`${size} rfc3161`, tokens[0]],
      [`${size} witness`, Buffer.from(`${cosignatures[0]}\n`)],
    ]),
  );
  let tree = emptyFrontier;
  for (const { size, note } of checkpoints) {
    const from = tree.size;
    for (const leaf of leaves.slice(from, size)) tree = append(tree, leaf);
    const outcome = await store.evidence.commitEvidence({
      epoch: 1,
      from,
      records: lines.slice(from, size).map((line, index) => {
        return { kind: records[from + index]?.kind ?? "start", line, erasableAt: null };
      }),
      checkpoint: { size, note, roots: tree.roots.map((root) => root.toString("hex")) },
      anchors: records.slice(from, size).flatMap((record) => {
        if (record.kind !== "anchor") return [];
        const { type, by, size: of } = record.data;
        return [{ seq: record.seq, size: of, type, by, proof: proofs.get(`${of} ${type}`) ?? Buffer.alloc(0) }];
      }),
      salts: [],
      erase: [],
    });
    expect(outcome).toBe("committed");
  }
}

test.each(["nl", "fr", "de", "en"])("a report is written in %s", async (lang) => {
  const [window = ""] = windowIdsOf(log);
  const out = join(directory, `${lang}.pdf`);
  expect(await reportEvidence(configuration, { window, lang, out }, terminal)).toBe(0);
  expect(readFileSync(out).subarray(0, 5).toString()).toBe("%PDF-");
});

test("a report of a period tells of every outage in it", async () => {
  const out = join(directory, "period.pdf");
  const period = { from: "2026-03-01T00:00:00Z", to: "2026-04-01T00:00:00Z" };
  expect(await reportEvidence(configuration, { ...period, out }, terminal)).toBe(0);
  expect(
    readFileSync(out)
      .toString("latin1")
      .match(/\/Type \/Page\n/g)?.length,
  ).toBeGreaterThanOrEqual(3);
});

test("a report never replaces a file that is there", async () => {
  const [window = ""] = windowIdsOf(log);
  const out = join(directory, "handed-over.pdf");
  writeFileSync(out, "somebody's");
  await expect(reportEvidence(configuration, { window, out }, terminal)).rejects.toMatchObject({ code: "usage" });
  expect(readFileSync(out, "utf8")).toBe("somebody's");
});

test("a bundle of one window with two timestamps and its report is under 50 kB to send", async () => {
  const sent: number[] = [];
  for (const window of windowIdsOf(log)) {
    const out = join(directory, `${window.replaceAll("/", "-")}.zip`);
    expect(await exportEvidence(configuration, { window, out, zip: true }, terminal)).toBe(0);
    const bytes = readFileSync(out);
    const names = Object.keys(unzipSync(bytes));
    expect(names).toContain("report.pdf");
    if (names.filter((name) => name.endsWith(".tsr")).length >= 2) sent.push(bytes.length);
  }
  expect(sent.length).toBeGreaterThan(0);
  expect(Math.max(...sent)).toBeLessThan(50_000);
});

test("a bundle is a zip where its name says so, whoever forgets --zip, and a period that has no end lasts until now", async () => {
  const out = join(directory, "bundle.ZIP");
  expect(await exportEvidence(configuration, { from: "2026-03-01T00:00:00Z", out }, terminal)).toBe(0);
  expect(shown.at(-1)).toBe(out);
  expect(Object.keys(unzipSync(readFileSync(out)))).toContain("report.pdf");
});

test.each([
  [{}, "say what it is to be about"],
  [{ to: "2026-03-01T00:00:00Z" }, "say what it is to be about"],
  [{ window: "1", from: "2026-03-01T00:00:00Z" }, "about a window or about a period"],
])("%j is not what a bundle can be about", async (options, told) => {
  await expect(exportEvidence(configuration, options, terminal)).rejects.toThrow(told);
});

test("an outage that is not in the log has no report", async () => {
  const asked = reportEvidence(configuration, { window: "nothing", out: join(directory, "no.pdf") }, terminal);
  await expect(asked).rejects.toMatchObject({ code: "no-evidence" });
});

test("a bundle with its report is verified by somebody who was only given the keys", async () => {
  const [window = ""] = windowIdsOf(log);
  const out = join(directory, "bundle");
  expect(await exportEvidence(configuration, { window, out }, terminal)).toBe(0);
  expect(readFileSync(join(out, "report.pdf")).length).toBeGreaterThan(3_000);
  shown.length = 0;
  const code = verifyEvidence(
    out,
    {
      key: `ed25519:${Buffer.from(log.signer.publicKey).toString("base64")}`,
      tsaCa: authority.caFile,
      witness: [witnessKeyText(witness.name, { private: witness.privateKey, public: Buffer.from(witness.publicKey) })],
    },
    terminal,
  );
  expect(shown.slice(0, 10).join("\n")).not.toContain("not verified");
  expect(code).toBe(0);
});
