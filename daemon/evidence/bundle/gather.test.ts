import { expect, test } from "vitest";
import { wallMs } from "../../base/time.ts";
import { generateLog, windowIdsOf } from "../../testing/evidence/generated-log.ts";
import { type EvidenceLog, rolledBack } from "../../testing/evidence/log-builder.ts";
import { seededWitness, signedBy } from "../../testing/evidence/test-keys.ts";
import type { EvidenceArchive, KeptAnchor } from "../evidence-store.ts";
import { publicKeyText, verifierKeyText } from "../note.ts";
import { parseLogKey, parseWitnessKey } from "../verify/public-key.ts";
import { statusOf } from "../verify/verdict.ts";
import { verifyBundle } from "../verify/verify-bundle.ts";
import { bundleFiles } from "./bundle.ts";
import { type GatheredLog, gatherLog, laterMaxRecords, type Wanted } from "./gather.ts";

const witness = seededWitness("witness.example/w1");
const log = generateLog({
  seed: 4,
  authority: null,
  witnesses: [witness],
  causes: ["service", "internet-provider", "own-network"],
  peace: 25,
});
const windows = windowIdsOf(log);

/** A log of one epoch that hands out few records at a time, as a store may. */
function archiveOf({ lines, records, checkpoints }: EvidenceLog): Omit<EvidenceArchive, "evidenceSalt"> {
  const cosignatures = new Map(checkpoints.map(({ size, cosignatures: [line = ""] }) => [size, `${line}\n`]));
  const anchors = records.flatMap((record): readonly KeptAnchor[] => {
    if (record.kind !== "anchor") return [];
    const { size, type, by } = record.data;
    return [{ seq: record.seq, size, type, by, proof: Buffer.from(cosignatures.get(size) ?? "") }];
  });
  return {
    evidenceEnd: async () => ({ epoch: 1, size: lines.length, checkpoint: null }),
    evidenceRecords: async (_, from) =>
      lines.slice(from, from + 7).map((line, index) => ({ kind: "whole", seq: from + index, line })),
    evidenceCheckpoints: async (_, from) =>
      checkpoints
        .filter(({ size }) => size >= from)
        .slice(0, 3)
        .map(({ size, note }) => ({ size, note, roots: [] })),
    evidenceAnchors: async (_, from, limit) => anchors.filter(({ seq }) => seq >= from).slice(0, limit),
  };
}

async function gathered(wanted: Wanted, from: EvidenceLog = log): Promise<GatheredLog> {
  const found = await gatherLog(archiveOf(from), wanted);
  if (found === null || found === "uncovered") throw new Error(`nothing was gathered: ${found}`);
  return found;
}

function statusOfBundle(content: GatheredLog): number {
  const { publicKey, privateKey, name: origin } = log.signer;
  const rest = {
    origin,
    publicKey,
    madeAt: wallMs(log.now),
    version: "0.1.0",
    attachments: [],
    report: null,
    guide: [],
  };
  const files = bundleFiles({ ...content, ...rest, authorities: [], witnesses: [] }, signedBy(privateKey));
  const witnessKey = parseWitnessKey(verifierKeyText(witness, "cosignature"));
  const trust = {
    key: parseLogKey(publicKeyText(publicKey)),
    verifyToken: null,
    witnesses: witnessKey === null ? [] : [witnessKey],
    head: null,
    nowMs: log.now,
  };
  return statusOf(verifyBundle(new Map(files.map(({ path, bytes }) => [path, bytes])), trust));
}

test.each(windows)("a window takes as little of the log as bounds it, and verifies: %s", async (id) => {
  const content = await gathered({ kind: "window", id });
  const seqs = log.records.flatMap(({ seq, ...record }) =>
    record.kind === "window" && record.data.id === id ? [seq] : [],
  );
  expect(content.windows).toEqual([id]);
  expect(content.isWhole).toBe(true);
  expect(content.first).toBeLessThan(seqs[0] ?? 0);
  expect(content.first + content.lines.length).toBeGreaterThan(seqs.at(-1) ?? 0);
  expect(content.lines.length).toBeLessThan(log.lines.length / 2);
  expect(statusOfBundle(content)).toBe(0);
});

/** The log, and behind it as many records of something else, a count of the last window's scans, and an anchor. */
function toldAfter(others: number): EvidenceLog {
  const builder = rolledBack(log, log.lines.length);
  for (let count = 0; count < others; count += 1) {
    builder.pass(1000);
    builder.record({ kind: "configuration", data: { sha256: "ab".repeat(32) } });
  }
  const window = windows.at(-1) ?? "";
  builder.record({ kind: "scans", data: { window, delayed: 4711, withheld: 0, registered: 4711 } });
  builder.anchor({ authority: null, witnesses: [witness] });
  return builder.build();
}

test("what is told of a window's scans soon after it goes into its bundle", async () => {
  const after = toldAfter(5);
  const content = await gathered({ kind: "window", id: windows.at(-1) ?? "" }, after);
  expect(content.lines.filter((line) => line.includes('"delayed":4711'))).toHaveLength(1);
  expect(content.later).toBe(0);
  expect(statusOfBundle(content)).toBe(0);
});

test("what comes long after it does not, and is counted, so that somebody can be told", async () => {
  const content = await gathered({ kind: "window", id: windows.at(-1) ?? "" }, toldAfter(laterMaxRecords + 50));
  expect(content.lines.filter((line) => line.includes('"delayed":4711'))).toEqual([]);
  expect(content.later).toBe(1);
  expect(statusOfBundle(content)).toBe(0);
});

test("the newest time is that of the last record for whose clock something vouched", async () => {
  const builder = rolledBack(log, log.records.length);
  builder.pass(5_000);
  builder.clock("unsynchronised", null);
  builder.record({ kind: "start", data: { version: "1", configuration: "00".repeat(32) } });
  const { newestMs } = await gathered({ kind: "period", fromMs: 0, toMs: log.now }, builder.build());
  expect(newestMs).toBe(log.records.at(-1)?.wall);
});

test("a period takes every window that a record of it speaks of", async () => {
  const content = await gathered({ kind: "period", fromMs: 0, toMs: log.now + 1 });
  expect(content.first).toBe(0);
  expect(content.windows).toEqual(windows);
  expect(content.newestMs).toBe(log.records.at(-1)?.wall);
  expect(statusOfBundle(content)).toBe(0);
});

test("what the log does not speak of, and what no checkpoint covers yet, is told apart", async () => {
  expect(await gatherLog(archiveOf(log), { kind: "window", id: "none" })).toBe(null);
  const [first] = log.checkpoints;
  const early = { ...log, checkpoints: first === undefined ? [] : [first] };
  expect(await gatherLog(archiveOf(early), { kind: "window", id: windows[2] ?? "" })).toBe("uncovered");
  expect(await gatherLog(archiveOf({ ...log, checkpoints: [] }), { kind: "window", id: windows[0] ?? "" })).toBe(
    "uncovered",
  );
});
