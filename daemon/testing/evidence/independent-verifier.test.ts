import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { present } from "../../base/assert.ts";
import { parseWitnessKey, publicKeyOf } from "../../evidence/verify/public-key.ts";
import { tokenVerifierFor } from "../../evidence/verify/token-check.ts";
import { type BundleReport, statusOf } from "../../evidence/verify/verdict.ts";
import { type Trust, verifyBundle } from "../../evidence/verify/verify-bundle.ts";
import { witnessKeyText } from "../small-bundle/small-bundle.ts";
import { type BundleWish, bundleOf } from "./generated-bundle.ts";
import { addFakeOutage, generateLog } from "./generated-log.ts";
import { type EvidenceLog, rolledBack } from "./log-builder.ts";
import { createTestAuthority } from "./test-authority.ts";
import { seededWitness } from "./test-keys.ts";

/** What badged itself writes, with tokens of a real authority, before a verifier that shares nothing with the writer. */

const directory = mkdtempSync(join(tmpdir(), "independent-verifier-"));
afterAll(() => rmSync(directory, { recursive: true }));

const authority = createTestAuthority(join(directory, "authority"));
const witness = seededWitness("witness.example/w1");
const log = generateLog({ seed: 1, authority, witnesses: [witness], causes: ["service", "internet-provider"] });

const trust: Trust = {
  key: publicKeyOf(Buffer.from(log.signer.publicKey)),
  verifyToken: tokenVerifierFor(readFileSync(authority.caFile, "utf8")),
  witnesses: [
    present(
      parseWitnessKey(
        witnessKeyText(witness.name, { private: witness.privateKey, public: Buffer.from(witness.publicKey) }),
      ),
      "the key of a witness can be read",
    ),
  ],
  head: null,
  nowMs: log.now,
};

function verify(of: EvidenceLog, wish: BundleWish = {}, changed: Partial<Trust> = {}): BundleReport {
  const files = new Map(bundleOf(of, wish).map(({ path, bytes }) => [path, bytes]));
  return verifyBundle(files, { ...trust, ...changed });
}

describe("a bundle as badged writes it", () => {
  test("is verified in all four ways", () => {
    const { integrity, time, uniqueness, cause, windows } = verify(log, {
      authorities: [authority],
      witnesses: [witness],
    });
    expect([integrity, time, uniqueness, cause].flatMap(({ failures }) => failures)).toEqual([]);
    expect([integrity, time, uniqueness, cause].map(({ finding }) => finding)).toEqual(Array(4).fill("verified"));
    expect(windows[1]?.proven.start[0]).not.toBeNull();
    for (const { proven, claimed } of windows) {
      expect(proven.end?.[1] ?? 0).toBeGreaterThan(claimed.end?.[0] ?? Number.POSITIVE_INFINITY);
    }
  });

  test("may begin at any checkpoint", () => {
    const sizes = log.checkpoints.map(({ size }) => size);
    for (const [index, first] of sizes.slice(0, -1).entries()) {
      const report = verify(log, { first, sizes: sizes.slice(index) });
      expect(report.integrity, `from ${first}`).toMatchObject({ finding: "verified", failures: [] });
    }
  });

  test("of a history that was written anew after a rollback passes all but the witness", () => {
    // The two anchors of the checkpoint stay: a forger knows that they would be missed.
    const builder = rolledBack(log, present(log.checkpoints[2], "the log has checkpoints").size + 2);
    addFakeOutage(builder, { authority, witnesses: [] }, 2, "internet-provider");
    const report = verify(builder.build());
    expect(report.integrity.failures).toEqual([]);
    expect(report.uniqueness.failures.map(({ code }) => code)).toEqual(["witness-missing"]);
    expect(statusOf(report)).toBe(1);
  });

  test("is not believed by the word of another authority", () => {
    const other = createTestAuthority(join(directory, "other"), { name: "Other" });
    const verifyToken = tokenVerifierFor(readFileSync(other.caFile, "utf8"));
    expect(verify(log, {}, { verifyToken }).time.failures[0]?.code).toBe("token-wrong");
  });
});
