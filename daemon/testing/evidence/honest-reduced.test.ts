import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { present } from "../../base/assert.ts";
import { type WallMs, wallMs } from "../../base/time.ts";
import { bundleFiles } from "../../evidence/bundle/bundle.ts";
import { publicKeyText } from "../../evidence/note.ts";
import { parseLogKey } from "../../evidence/verify/public-key.ts";
import { verifyBundle } from "../../evidence/verify/verify-bundle.ts";
import { contentOf, writeBundle } from "./generated-bundle.ts";
import { generateLog } from "./generated-log.ts";
import { type EvidenceLog, rolledBack } from "./log-builder.ts";
import { disagreementOf } from "./mutation-findings.ts";
import { allWell } from "./outage-scenes.ts";
import { machineAt, verifyInShell } from "./shell-verifier.ts";
import { signedBy } from "./test-keys.ts";

/** Samples that a box has reduced to their hashes in its time, and clocks that do not know that time. */

vi.setConfig({ testTimeout: 60_000 });

const directory = mkdtempSync(join(tmpdir(), "honest-reduced-"));
afterAll(() => rmSync(directory, { recursive: true }));

const dayMs = 86_400_000;
const log = generateLog({ seed: 11, authority: null, witnesses: [], causes: ["internet-provider"], peace: 3 });
const sample = { kind: "sample", data: { layers: allWell, cause: null, whole: true } } as const;

/** A sample, and a hundred days later a start, after which the clock has a bound or knows nothing. */
function later(errMs: number | null): { readonly old: EvidenceLog; readonly reduced: number } {
  const builder = rolledBack(log, present(log.checkpoints.at(-1), "the log has checkpoints").size);
  builder.pass(5_000);
  const { seq } = builder.record(sample);
  builder.pass(100 * dayMs);
  builder.record({ kind: "erased", data: { samples: 1, before: builder.now - 90 * dayMs } });
  builder.clock(errMs === null ? "unsynchronised" : "synchronised", errMs);
  builder.record({ kind: "start", data: { version: "1", configuration: "00".repeat(32) } });
  builder.checkpoint();
  return { old: builder.build(), reduced: seq };
}

/** What both say at that time, by the clocks of who verifies. */
async function verdictOf(errMs: number | null, madeAfterMs: number, nowAfterMs: number): Promise<string | undefined> {
  const { old, reduced } = later(errMs);
  const at = (afterMs: number): WallMs => wallMs(old.now + afterMs);
  const content = contentOf(old, { bare: true, erased: new Set([reduced]) });
  const files = bundleFiles({ ...content, madeAt: at(madeAfterMs) }, signedBy(log.signer.privateKey));
  const folder = mkdtempSync(join(directory, "bundle-"));
  writeBundle(files, folder);
  const key = publicKeyText(log.signer.publicKey);
  const nowMs = at(nowAfterMs);
  const question = { key, authorities: null, witnesses: [], head: null };
  const shell = await verifyInShell(folder, question, machineAt(directory, nowMs));
  const trust = { key: parseLogKey(key), verifyToken: null, witnesses: [], head: null, nowMs };
  const own = verifyBundle(new Map(files.map(({ path, bytes }) => [path, bytes])), trust);
  expect(disagreementOf(own, shell), shell.output).toBeNull();
  return shell.verdicts["INTEGRITY"];
}

test.each([
  ["made by a box whose clock is right", 8, 0, dayMs, "verified"],
  ["made by a box whose own clock stands before its log", 8, -2000 * dayMs, dayMs, "verified"],
  ["made by one that does not know the time any more", null, -2000 * dayMs, dayMs, "verified"],
  ["looked at by somebody whose clock is ahead", 8, 0, 1000 * dayMs, "verified"],
  ["looked at by somebody whose clock stands before the log", 8, 0, -2000 * dayMs, "could not check"],
  ["looked at by somebody whose clock is weeks behind", 8, 0, -20 * dayMs, "could not check"],
] as const)("a bundle with a reduced sample, %s: INTEGRITY", async (_, errMs, madeAfterMs, nowAfterMs, verdict) => {
  expect(await verdictOf(errMs, madeAfterMs, nowAfterMs)).toBe(verdict);
});
