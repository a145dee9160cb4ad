import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { present } from "../../base/assert.ts";
import { utcText } from "../../base/system-time.ts";
import { type WallMs, wallMs } from "../../base/time.ts";
import { type BundleFile, bundleFiles, withSums } from "../../evidence/bundle/bundle.ts";
import { publicKeyText, verifierKeyText, withSignature } from "../../evidence/note.ts";
import type { RecordData } from "../../evidence/record.ts";
import { parseLogKey } from "../../evidence/verify/public-key.ts";
import { readBundle } from "../../evidence/verify/read-bundle.ts";
import { verifyBundle } from "../../evidence/verify/verify-bundle.ts";
import type { Layers } from "../../outage/layers.ts";
import { askBoth } from "./both-verifiers.ts";
import { bundleOf, contentOf, writeBundle } from "./generated-bundle.ts";
import { generateLog, windowIdsOf } from "./generated-log.ts";
import { type EvidenceLog, LogBuilder, rolledBack, seededSigner } from "./log-builder.ts";
import { disagreementOf } from "./mutation-findings.ts";
import { allWell, scenesOf } from "./outage-scenes.ts";
import { machineAt, type ShellQuestion, verifyInShell } from "./shell-verifier.ts";
import { createTestAuthority } from "./test-authority.ts";
import { seededWitness, signedBy } from "./test-keys.ts";

/** What an owner of the key can put into a bundle although everybody else signed what it rests on. */

vi.setConfig({ testTimeout: 120_000 });

const directory = mkdtempSync(join(tmpdir(), "owner-forgeries-"));
afterAll(() => rmSync(directory, { recursive: true }));

const authority = createTestAuthority(join(directory, "authority"));
const witness = seededWitness("witness.example/w1");
const vouchers = { authority, witnesses: [witness] };
const log = generateLog({ seed: 11, ...vouchers, causes: ["internet-provider"], peace: 3 });
const sign = signedBy(log.signer.privateKey);
const last = present(log.checkpoints.at(-1), "the log has checkpoints");
const question: ShellQuestion = {
  key: publicKeyText(log.signer.publicKey),
  authorities: authority.caFile,
  witnesses: [verifierKeyText(witness, "cosignature")],
  head: null,
};
const bare = { bare: true } as const;
const [serviceDown = allWell] = scenesOf("service");
const [ownFault = allWell] = scenesOf("own-software");
const all = { INTEGRITY: "verified", TIME: "verified", UNIQUENESS: "verified", CAUSE: "verified" };
const open = "could not check";
const dayMs = 86_400_000;
const broken = { INTEGRITY: "not verified", TIME: open, UNIQUENESS: open, CAUSE: open };

/** Both verifiers have to come to it. */
async function expectVerdicts(
  files: readonly BundleFile[],
  verdicts: Readonly<Record<string, string>>,
  asked: Partial<ShellQuestion> = {},
): Promise<string> {
  const { shell, own } = await askBoth(directory, files, { ...question, ...asked });
  expect(shell.verdicts).toEqual(verdicts);
  expect(disagreementOf(own, shell)).toBeNull();
  return shell.output;
}

/** Behind the two anchors of the last checkpoint. */
function grown(): LogBuilder {
  return rolledBack(log, last.size + 2);
}

function look(builder: LogBuilder, layers: Layers, cause: string | null): number {
  builder.pass(5_000);
  return builder.record({ kind: "sample", data: { layers, cause, whole: true } }).seq;
}

type Window = RecordData["window"];

function told(builder: LogBuilder, change: Window["change"], more: Partial<Window>): number {
  const data = { id: "w", cause: "service", exemption: "presumed", end: null, start: [null, null], change } as const;
  return builder.record({ kind: "window", data: { ...data, ...more } }).seq;
}

/** An outage of the service whose window is dated by its samples, shifted as it says. */
function outage(openedShiftMs = 0, closedShiftMs = 0, endShiftMs = 0, id = "w"): LogBuilder {
  const builder = grown();
  builder.pass(900_000);
  look(builder, allWell, null);
  const begun = builder.now;
  for (let count = 0; count < 3; count += 1) look(builder, serviceDown, "service");
  const shifted = (by: number): Window["start"] => [begun + by, begun + 5_000 + by];
  told(builder, "opened", { id, start: shifted(openedShiftMs) });
  look(builder, allWell, null);
  const end: Window["start"] = [builder.now - 5_000 + endShiftMs, builder.now + endShiftMs];
  told(builder, "closed", { id, start: shifted(closedShiftMs), end });
  return builder;
}

function anchored(builder: LogBuilder): EvidenceLog {
  builder.pass(1_000);
  builder.anchor(vouchers);
  return builder.build();
}

describe("a line that is reduced to its hashes", () => {
  const builder = grown();
  const data = { window: windowIdsOf(log)[0] ?? "", entry: 3, sha256: "ab".repeat(32), bytes: 3, worked: true };
  const attempt = builder.record({ kind: "attempt", data }).seq;
  look(builder, allWell, null);
  const erased = new Set([attempt]);
  const withAttempt = anchored(builder);

  function madeAfter(days: number): readonly BundleFile[] {
    const content = contentOf(withAttempt, { ...bare, erased });
    return bundleFiles({ ...content, madeAt: wallMs(withAttempt.now + days * dayMs) }, sign);
  }

  test.each([0, 80])(
    "is refused where it was %i days old when the bundle was made: a box reduces none",
    async (days) => {
      await expectVerdicts(madeAfter(days), broken);
    },
  );

  test("is refused as well where the bundle says that it was made in a hundred years", async () => {
    const files = madeAfter(100 * 365);
    const nowMs = withAttempt.now + 30 * dayMs;
    const asked = { ...question, authorities: null };
    const { shell } = await askBoth(directory, files, asked, machineAt(directory, nowMs));
    expect(shell.verdicts).toEqual(broken);
    const trust = { key: parseLogKey(question.key ?? ""), verifyToken: null, witnesses: [], head: null, nowMs };
    const own = verifyBundle(new Map(files.map(({ path, bytes }) => [path, bytes])), trust);
    expect(own.integrity.failures.map(({ code }) => code)).toEqual(["reduced-too-early"]);
  });

  test("is told of, where it may be as old as that", async () => {
    const output = await expectVerdicts(bundleOf(withAttempt, { ...bare, erased }), all);
    expect(output).toContain("what stood in the 1 records that are reduced");
    expect(output).toMatch(/^INTEGRITY .* 1 of \d+ records are reduced to their hashes: what they said is not shown$/m);
  });

  test("leaves the cause open where it stands in a window, but not where it ended it", async () => {
    const story = grown();
    look(story, allWell, null);
    for (let count = 0; count < 3; count += 1) look(story, serviceDown, "service");
    const start: Window["start"] = [story.now - 15_000, story.now - 10_000];
    told(story, "opened", { start });
    const own = look(story, ownFault, "own-software");
    const toldOf = told(story, "cause-changed", { start, cause: "own-software", exemption: "not-exempt" });
    look(story, serviceDown, "service");
    told(story, "cause-changed", { start });
    const good = look(story, allWell, null);
    told(story, "closed", { start, end: [story.now - 5_000, story.now] });
    const hidden = anchored(story);
    await expectVerdicts(bundleOf(hidden, { ...bare, erased: new Set([good]) }), all);
    const files = bundleOf(hidden, { ...bare, erased: new Set([own, toldOf]) });
    expect(await expectVerdicts(files, { ...all, CAUSE: open })).toContain(
      "2 records while it lasted are reduced to their hashes",
    );
  });

  test("leaves it open as well where another window ends behind it", async () => {
    const story = grown();
    look(story, allWell, null);
    for (let count = 0; count < 3; count += 1) look(story, serviceDown, "service");
    const start: Window["start"] = [story.now - 15_000, story.now - 10_000];
    told(story, "opened", { start });
    const own = look(story, ownFault, "own-software");
    told(story, "closed", { id: "v", cause: "own-software", exemption: "not-exempt", end: [null, null] });
    look(story, serviceDown, "service");
    look(story, allWell, null);
    told(story, "closed", { start, end: [story.now - 5_000, story.now] });
    const files = bundleOf(anchored(story), { ...bare, windows: ["w"], erased: new Set([own]) });
    await expectVerdicts(files, { ...all, CAUSE: open });
  });
});

describe("INTEGRITY is not verified", () => {
  test("where the log itself names another checkpoint of a size", async () => {
    const builder = grown();
    const { size } = last;
    const data = { size, checkpoint: "cd".repeat(32), sha256: "ab".repeat(32), by: "another witness" };
    builder.record({ kind: "anchor", data: { type: "witness", ...data } });
    await expectVerdicts(bundleOf(anchored(builder), bare), broken);
  });

  test.each([
    ["a second epoch that says it is the first start", 2, null],
    ["a first epoch that says so, with one before it", 1, { origin: "x", size: 3, root: "00".repeat(32) }],
  ])("of %s", async (_, epoch, previous) => {
    const signer = seededSigner("box 11", epoch);
    const builder = new LogBuilder(signer, wallMs(log.records[0]?.wall ?? 0), log.records[0]?.boot ?? "");
    const key = Buffer.from(signer.publicKey).toString("base64");
    const data = { format: 1, origin: signer.name, key, previous, reason: "first-start" } as const;
    builder.record({ kind: "epoch", data });
    await expectVerdicts(bundleOf(anchored(builder), bare), broken);
  });

  test("of a record that is longer than any", async () => {
    const builder = grown();
    builder.record({ kind: "stop", data: { reason: "x".repeat(70_000) } });
    await expectVerdicts(bundleOf(anchored(builder), bare), broken);
  });

  type Manifest = { [key: string]: unknown };
  test.each<[string, (manifest: Manifest) => Manifest]>([
    ["a number for a window", (manifest) => ({ ...manifest, windows: [1] })],
    ["a word for the time it was made", (manifest) => ({ ...manifest, made: "today" })],
    ["a number for a version", (manifest) => ({ ...manifest, version: 1 })],
  ])("of a manifest with %s", async (_, change) => {
    await expectVerdicts(
      changed("manifest.json", (text) => JSON.stringify(change(JSON.parse(text)))),
      broken,
    );
  });

  test.each([
    ["is none", () => "— w AAAA\n"],
    ["has a name without end", (text: string) => text.replace(witness.name, "w".repeat(300))],
  ])("of a cosignature that %s", async (_, change) => {
    await expectVerdicts(changed(`checkpoints/${last.size}.1.cosig`, change), broken, { witnesses: [] });
  });

  test("of what does not fit the key that it brings itself, when no other is given", async () => {
    const asked = { key: null };
    await expectVerdicts(bundleOf(log, bare), { ...all, INTEGRITY: open }, asked);
    const flipped = (text: string): string =>
      text.replace(/(— \S+ \S{20})(.)/, (_, head, one) => head + (one === "A" ? "B" : "A"));
    await expectVerdicts(changed(`checkpoints/${last.size}.ckpt`, flipped), broken, asked);
    const unsigned = bundleOf(log, bare).map((each) =>
      each.path === "SHA256SUMS.sig" ? { ...each, bytes: Buffer.alloc(64) } : each,
    );
    await expectVerdicts(unsigned, broken, asked);
  });
});

describe("the times of a window", () => {
  const hourMs = 3_600_000;
  test.each([
    ["as its samples have them", [0, 0, 0], all],
    ["said at first an hour before, and then right", [-hourMs, 0, 0], { ...all, TIME: "not verified" }],
    [
      "said at first an hour after, and then right",
      [hourMs, 0, 0],
      { ...all, TIME: "not verified", CAUSE: "not verified" },
    ],
    ["with an end before the beginning", [0, 0, -hourMs], { ...all, TIME: "not verified" }],
  ] as const)("%s", async (_, shifts, verdicts) => {
    await expectVerdicts(bundleOf(anchored(outage(...shifts)), bare), verdicts);
  });

  test("are looked at also of one whose id is empty, in a bundle that means it alone", async () => {
    const content = contentOf(anchored(outage(0, 0, 0, "")), { ...bare, windows: [""] });
    await expectVerdicts(bundleFiles(content, sign), all);
  });

  test("contradict each other also where no timestamp is looked at", async () => {
    const files = bundleOf(anchored(outage(0, 0, -hourMs)), bare);
    await expectVerdicts(files, { ...all, TIME: "not verified" }, { authorities: null });
  });

  test("are those of its own failing samples, not of one that a restart parts from them", async () => {
    const builder = grown();
    look(builder, allWell, null);
    look(builder, serviceDown, "service");
    builder.pass(1_000);
    builder.anchor(vouchers);
    builder.record({ kind: "stop", data: { reason: "x" } });
    builder.pass(hourMs);
    builder.record({ kind: "start", data: { version: "1", configuration: "00".repeat(32) } });
    const begun = builder.now + 5_000;
    for (let count = 0; count < 3; count += 1) look(builder, serviceDown, "service");
    // As a box has it that saw nothing good since it started.
    const start: Window["start"] = [null, begun + 8];
    told(builder, "opened", { start });
    look(builder, allWell, null);
    told(builder, "closed", { start, end: [builder.now - 5_000, builder.now] });
    const { own, shell } = await askBoth(directory, bundleOf(anchored(builder), bare), question);
    expect(disagreementOf(own, shell)).toBeNull();
    const proven = own.windows.find(({ id }) => id === "w")?.proven.start[1];
    expect(proven).toBeGreaterThan(begun);
    const text = new RegExp(`window w\\n.*\\n +proven +recorded between \\S+ and ${utcOf(proven ?? 0)}`);
    expect(shell.output).toMatch(text);
  });

  test("and of timestamps that contradict the order of the log", async () => {
    const quiet = generateLog({ seed: 12, ...vouchers, causes: [], peace: 3 });
    const builder = rolledBack(quiet, present(quiet.checkpoints.at(-1), "it has checkpoints").size + 2);
    builder.pass(600_000);
    look(builder, allWell, null);
    const stamp = (imprint: Uint8Array, at: WallMs): Buffer => authority.stamp(imprint, wallMs(at - hourMs));
    builder.anchor({ ...vouchers, authority: { ...authority, stamp } });
    const key = publicKeyText(quiet.signer.publicKey);
    await expectVerdicts(bundleOf(builder.build(), bare), { ...all, TIME: "not verified", CAUSE: open }, { key });
  });
});

describe("the note of a witness", () => {
  const builder = grown();
  look(builder, allWell, null);
  for (let count = 0; count < 3; count += 1) look(builder, serviceDown, "service");
  told(builder, "opened", { start: [builder.now - 15_000, builder.now - 10_000] });
  builder.anchor(vouchers);
  const cut = builder.build();
  look(builder, allWell, null);
  builder.anchor(vouchers);
  const whole = builder.build();
  const end = present(whole.checkpoints.at(-1), "it has checkpoints");
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };

  test("tells that a window was cut off, also where the manifest names none", async () => {
    const head = file("head", end.cosignatures.reduce(withSignature, end.note));
    for (const windows of [["w"], []]) {
      await expectVerdicts(bundleOf(cut, { ...bare, windows }), { ...all, UNIQUENESS: "not verified" }, { head });
    }
  });

  test("says nothing, for or against, where the log has not signed it", async () => {
    const cosigned = file("cosigned", end.cosignatures.reduce(withSignature, `${end.text}\n`));
    await expectVerdicts(bundleOf(whole, bare), { ...all, UNIQUENESS: open }, { head: cosigned });
    const size = present(cut.checkpoints.at(-1), "it has checkpoints").size;
    const other = end.text.replace(/\n\d+\n/, `\n${size}\n`);
    const unsigned = file("unsigned", `${other}\n— ${log.signer.name} ${Buffer.alloc(68).toString("base64")}\n`);
    const asked = { head: unsigned, witnesses: [] };
    await expectVerdicts(bundleOf(cut, bare), { ...all, UNIQUENESS: open }, asked);
  });
});

test("an empty folder beside the files is no fault of theirs", async () => {
  const folder = mkdtempSync(join(directory, "empty-"));
  writeBundle(bundleOf(log, bare), folder);
  mkdirSync(join(folder, "Nieuwe map"));
  expect((await verifyInShell(folder, question)).status).toBe(0);
  const read = readBundle(folder);
  expect(typeof read !== "string" && read.ok).toBe(true);
});

/** The bundle with one file changed, and signed again by the owner. */
function changed(path: string, change: (text: string) => string): readonly BundleFile[] {
  const files = bundleOf(log, bare).filter((each) => !each.path.startsWith("SHA256SUMS"));
  return withSums(
    files.map((each) =>
      each.path === path ? { path, bytes: Buffer.from(change(Buffer.from(each.bytes).toString())) } : each,
    ),
    sign,
  );
}

function utcOf(atMs: number): string {
  return utcText(wallMs(atMs)).replaceAll(".", "\\.");
}
