import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { consistencyProof, type Hash, provesConsistency } from "../../evidence/merkle.ts";
import { cosignedAt, isSignedBy, parseCheckpoint, parseNote } from "../../evidence/note.ts";
import { parseLine } from "../../evidence/record-line.ts";
import { findingOf } from "../../outage/cause.ts";
import { bundleOf } from "./generated-bundle.ts";
import { addFakeOutage, generateLog, windowIdsOf } from "./generated-log.ts";
import { rolledBack } from "./log-builder.ts";
import { sceneCauses, scenesOf } from "./outage-scenes.ts";
import { createTestAuthority } from "./test-authority.ts";
import { seededWitness } from "./test-keys.ts";

const directory = mkdtempSync(join(tmpdir(), "generated-log-"));
afterAll(() => rmSync(directory, { recursive: true }));

const authority = createTestAuthority(directory);
const witness = seededWitness("witness.example/w1");
const log = generateLog({ seed: 1, authority, witnesses: [witness] });

test.each(sceneCauses)("every scene of %s shows it", (cause) => {
  for (const layers of scenesOf(cause)) expect(findingOf(layers)?.cause).toBe(cause);
});

test("a generated log has a window of every cause, in lines that are records", () => {
  expect(windowIdsOf(log)).toHaveLength(sceneCauses.length);
  for (const line of log.lines) expect(parseLine(line).kind).toBe("record");
});

test("its checkpoints are signed, witnessed, and prefixes of each other", () => {
  expect(log.checkpoints.length).toBeGreaterThan(10);
  let before: { readonly size: number; readonly root: Hash } = { size: 0, root: Buffer.alloc(0) };
  for (const { size, note, text, cosignatures } of log.checkpoints) {
    const parsed = parseNote(note);
    const root = parseCheckpoint(text)?.root ?? Buffer.alloc(0);
    expect(parsed !== null && isSignedBy(parsed, log.signer)).toBe(true);
    expect(cosignedAt(text, cosignatures[0] ?? "", witness)).toBeGreaterThan(0);
    if (before.size > 0) {
      const proof = consistencyProof(log.leaves.slice(0, size), before.size);
      expect(provesConsistency({ oldSize: before.size, oldRoot: before.root, size, root, proof })).toBe(true);
    }
    before = { size, root };
  }
});

test("the same seed gives the same lines, apart from the hashes of its tokens", () => {
  const plan = { seed: 7, authority: null, witnesses: [witness], causes: ["service"] } as const;
  expect(generateLog(plan).lines).toEqual(generateLog(plan).lines);
});

test("a log that is rolled back and goes on has the same beginning and another end", () => {
  const size = log.checkpoints[3]?.size ?? 0;
  const builder = rolledBack(log, size);
  addFakeOutage(builder, { authority, witnesses: [] }, 2, "internet-provider");
  const forged = builder.build();
  expect(forged.lines.slice(0, size)).toEqual(log.lines.slice(0, size));
  expect(forged.lines[size + 2]).not.toBe(log.lines[size + 2]);
  expect(forged.checkpoints.slice(0, 4).map(({ note }) => note)).toEqual(
    log.checkpoints.slice(0, 4).map(({ note }) => note),
  );
});

test("a bundle of it has a sum for every file", () => {
  const files = bundleOf(log, { authorities: [authority], witnesses: [witness] });
  const [sums] = files;
  expect(
    Buffer.from(sums?.bytes ?? [])
      .toString()
      .split("\n"),
  ).toHaveLength(files.length - 2 + 1);
});
