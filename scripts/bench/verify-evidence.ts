import { createHash } from "node:crypto";
import { systemTime } from "../../daemon/base/system-time.ts";
import { elapsedMs } from "../../daemon/base/time.ts";
import { publicKeyOf } from "../../daemon/evidence/verify/public-key.ts";
import { statusOf } from "../../daemon/evidence/verify/verdict.ts";
import { verifyBundle } from "../../daemon/evidence/verify/verify-bundle.ts";
import { providerDown, sample } from "../../daemon/testing/small-bundle/outage-log.ts";
import { buildBundle, readToken, type Step, startMs } from "../../daemon/testing/small-bundle/small-bundle.ts";
import { type CaseReport, milliseconds, summarise } from "./figures.ts";

/** A month at one sample per 30 s, with a checkpoint a day. */
const samples = 90_000;
const checkpoints = 30;
const runs = 5;
const goalMs = 5_000;

/** A month's bundle, verified in all four ways but for the signatures of real tokens; beside SHA-256 over the same bytes. */
export function verifyEvidenceCase(): Promise<CaseReport> {
  const bundle = buildBundle({ steps: month(), first: 0, windows: [], erased: new Set(), witnessName: "w.example" });
  const key = publicKeyOf(bundle.log.public);
  const took: number[] = [];
  const bare: number[] = [];
  let status = 0;
  for (let run = 0; run < runs; run += 1) {
    took.push(
      timed(() => {
        status = statusOf(
          verifyBundle(bundle.files, {
            key,
            verifyToken: readToken,
            witnesses: [],
            head: null,
            nowMs: systemTime.wallMs(),
          }),
        );
      }),
    );
    bare.push(timed(() => void [...bundle.files.values()].map((bytes) => createHash("sha256").update(bytes).digest())));
  }
  const verified = summarise(took).p50;
  const hashed = summarise(bare).p50;
  const bytes = [...bundle.files.values()].reduce((sum, each) => sum + each.length, 0);
  return Promise.resolve({
    name: "verify",
    findings: [
      {
        what: `a bundle of ${samples} samples and ${(bytes / 1e6).toFixed(0)} MB verified, median of ${runs}`,
        measured: milliseconds(verified),
        against: `SHA-256 over the same bytes ${milliseconds(hashed)}: ${(verified / hashed).toFixed(0)} ×`,
        goal: `< ${goalMs} ms`,
        met: status === 0 && verified < goalMs,
      },
    ],
    figures: { took, bare, bytes, status },
  });
}

function month(): readonly Step[] {
  const steps: Step[] = [];
  for (let index = 0; index < samples; index += 1) {
    const atMs = startMs + index * 30_000;
    const isFailing = index % 3_000 > 2_980;
    steps.push(isFailing ? sample(atMs, "internet-provider", providerDown) : sample(atMs, null));
    if (index % (samples / checkpoints) === 0 && index > 0) steps.push({ checkpoint: true, atMs: atMs + 1_000 });
  }
  return [...steps, { checkpoint: true, atMs: startMs + samples * 30_000 }];
}

function timed(run: () => void): number {
  const before = systemTime.monotonicNs();
  run();
  return elapsedMs(before, systemTime.monotonicNs());
}
