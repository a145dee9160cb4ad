import { expect, test } from "vitest";
import { present } from "../../base/assert.ts";
import { type WallMs, wallMs } from "../../base/time.ts";
import { findingOf } from "../../outage/cause.ts";
import { nothingSeen } from "../../outage/layers.ts";
import { type EvidenceLog, LogBuilder, seededSigner } from "../../testing/evidence/log-builder.ts";
import { seededWitness, signedBy } from "../../testing/evidence/test-keys.ts";
import { bundleFiles } from "../bundle/bundle.ts";
import { gatherLog, type Wanted } from "../bundle/gather.ts";
import type { KeptAnchor } from "../evidence-store.ts";
import { publicKeyText } from "../note.ts";
import { parseLogKey } from "./public-key.ts";
import { verifyBundle } from "./verify-bundle.ts";

const witness = seededWitness("witness.example/w1");
const vouchers = { authority: null, witnesses: [witness] };
const well = { ...nothingSeen, link: "up", lan: "ok", dns: "ok", anchors: "all", service: "ok" } as const;
const cable = { ...well, link: "down", lan: "failed", service: "unknown" } as const;
const provider = { ...well, anchors: "none", dns: "failed", service: "unreachable" } as const;
const t0 = wallMs(1_772_428_800_000);

function begin(): LogBuilder {
  const b = new LogBuilder(seededSigner("box z"), t0, "11111111-1111-4111-8111-111111111111");
  const key = Buffer.from(b.signer.publicKey).toString("base64");
  b.record({ kind: "epoch", data: { format: 1, origin: b.signer.name, key, previous: null, reason: "first-start" } });
  b.record({ kind: "start", data: { version: "0.1.0", configuration: "0".repeat(64) } });
  return b;
}
function look(b: LogBuilder, layers: typeof well | typeof cable | typeof provider, ms = 5000): WallMs {
  b.pass(ms);
  b.record({ kind: "sample", data: { layers, cause: findingOf(layers)?.cause ?? null, whole: true } });
  return b.now;
}
function change(
  b: LogBuilder,
  id: string,
  change: "opened" | "reopened" | "cause-changed" | "closed",
  layers: typeof cable | typeof provider,
  start: [number, number],
  end: [number, number] | null = null,
): void {
  const { cause, exemption } = present(findingOf(layers), "it fails");
  b.record({ kind: "window", data: { id, change, cause, exemption, start, end } });
}
function archiveOf({ lines, records, checkpoints }: EvidenceLog) {
  const cos = new Map(checkpoints.map(({ size, cosignatures: [line = ""] }) => [size, `${line}\n`]));
  const anchors = records.flatMap((r): readonly KeptAnchor[] =>
    r.kind !== "anchor"
      ? []
      : [
          {
            seq: r.seq,
            size: r.data.size,
            type: r.data.type,
            by: r.data.by,
            proof: Buffer.from(cos.get(r.data.size) ?? ""),
          },
        ],
  );
  return {
    evidenceEnd: async () => ({ epoch: 1, size: lines.length, checkpoint: null }),
    evidenceRecords: async (_: number, from: number, limit: number) =>
      lines.slice(from, from + limit).map((line, i) => ({ kind: "whole" as const, seq: from + i, line })),
    evidenceCheckpoints: async (_: number, from: number, limit: number) =>
      checkpoints
        .filter(({ size }) => size >= from)
        .slice(0, limit)
        .map(({ size, note }) => ({ size, note, roots: [] })),
    evidenceAnchors: async (_: number, from: number, limit: number) =>
      anchors.filter(({ seq }) => seq >= from).slice(0, limit),
  };
}
async function verified(log: EvidenceLog, wanted: Wanted) {
  const g = await gatherLog(archiveOf(log), wanted);
  if (g === null || g === "uncovered") throw new Error(String(g));
  const { publicKey, privateKey, name: origin } = log.signer;
  const files = bundleFiles(
    {
      ...g,
      origin,
      publicKey,
      madeAt: wallMs(log.now),
      version: "0",
      authorities: [],
      witnesses: [],
      attachments: [],
      report: null,
      guide: [],
    },
    signedBy(privateKey),
  );
  const trust = {
    key: parseLogKey(publicKeyText(publicKey)),
    verifyToken: null,
    witnesses: [],
    head: null,
    nowMs: log.now,
  };
  return { g, report: verifyBundle(new Map(files.map(({ path, bytes }) => [path, Buffer.from(bytes)])), trust) };
}

type Failing = typeof cable | typeof provider;

/** A window that opens with `first`, and a function that closes it after one more look at `last`. */
function outage(b: LogBuilder, first: Failing): (last: Failing) => void {
  look(b, well);
  b.anchor(vouchers);
  const good = look(b, well);
  const bad = look(b, first);
  look(b, first);
  look(b, first);
  change(b, "w", "opened", first, [good, bad]);
  return (last) => {
    if (last !== first) {
      look(b, last);
      change(b, "w", "cause-changed", last, [good, bad]);
    }
    const lastBad = look(b, last);
    const firstGood = look(b, well);
    change(b, "w", "closed", last, [good, bad], [lastBad, firstGood]);
  };
}

const window = { kind: "window", id: "w" } as const;

test("the verifier calls no window presumed that has an own fault in it", async () => {
  const b = begin();
  outage(b, cable)(provider);
  b.anchor(vouchers);
  const { report } = await verified(b.build(), window);
  expect(report.windows[0]?.exemption).toBe("not-exempt");
});

test.each([
  [true, "not-exempt"],
  [false, "presumed"],
] as const)("nor one in which another channel worked (%s)", async (worked, exemption) => {
  const b = begin();
  outage(b, provider)(provider);
  b.record({ kind: "attempt", data: { window: "w", entry: 1, sha256: "0".repeat(64), bytes: 3, worked } });
  b.anchor(vouchers);
  const { report } = await verified(b.build(), window);
  expect(report.windows[0]?.exemption).toBe(exemption);
});

test("a period in the middle of an outage tells of it", async () => {
  const b = begin();
  const end = outage(b, provider);
  b.anchor(vouchers);
  const from = b.now + 1;
  for (let i = 0; i < 20; i += 1) look(b, provider, 30_000);
  b.anchor(vouchers);
  const to = b.now + 1;
  for (let i = 0; i < 20; i += 1) look(b, provider, 30_000);
  end(provider);
  b.anchor(vouchers);
  const { g } = await verified(b.build(), { kind: "period", fromMs: from, toMs: to });
  expect(g.windows).toEqual(["w"]);
});

test("a window whose end the log lost with the power does not last for ever", async () => {
  const b = begin();
  outage(b, provider);
  for (let i = 0; i < 100; i += 1) look(b, well, 30_000);
  b.anchor(vouchers);
  const from = b.now + 1;
  for (let i = 0; i < 20; i += 1) look(b, well, 30_000);
  b.anchor(vouchers);
  const { g } = await verified(b.build(), { kind: "period", fromMs: from, toMs: b.now + 1 });
  expect(g.windows).toEqual([]);
});

test("a period in an outage that was reopened tells of the own fault with which it began", async () => {
  const b = begin();
  outage(b, cable)(cable);
  b.anchor(vouchers);
  const good = look(b, well);
  const bad = look(b, provider);
  look(b, provider);
  look(b, provider);
  change(b, "w", "reopened", provider, [good, bad]);
  b.anchor(vouchers);
  const from = b.now + 1;
  for (let i = 0; i < 20; i += 1) look(b, provider, 30_000);
  b.anchor(vouchers);
  const { report } = await verified(b.build(), { kind: "period", fromMs: from, toMs: b.now + 1 });
  expect(report.windows.map(({ exemption }) => exemption)).toEqual(["not-exempt"]);
});
