import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { outageBundle, outageSteps, providerDown, sample } from "../../testing/small-bundle/outage-log.ts";
import {
  cosignatureOf,
  noteOf,
  originOf,
  readToken,
  type SmallBundle,
  type Step,
  sealBundle,
  signerOf,
  startMs,
  witnessKeyText,
} from "../../testing/small-bundle/small-bundle.ts";
import { parseNote } from "./checkpoint-note.ts";
import type { FailureCode } from "./failure.ts";
import { manifestMaxBytes } from "./manifest.ts";
import { parseWitnessKey, publicKeyOf } from "./public-key.ts";
import { sumsMaxBytes } from "./sums.ts";
import { type BundleReport, statusOf } from "./verdict.ts";
import { type Trust, verifyBundle } from "./verify-bundle.ts";

const good = outageBundle();
const firstSize = Math.min(
  ...[...good.files.keys()].flatMap((path) => /(\d+)\.ckpt$/.exec(path)?.[1] ?? []).map(Number),
);

function trustIn({ log, witnessKey }: SmallBundle): Trust {
  const witness = parseWitnessKey(witnessKey);
  return {
    key: publicKeyOf(log.public),
    verifyToken: readToken,
    witnesses: witness === null ? [] : [witness],
    head: null,
    nowMs: startMs + 100 * 24 * 3_600_000,
  };
}

function verifyGood(files: ReadonlyMap<string, Uint8Array>, trust: Partial<Trust> = {}): BundleReport {
  return verifyBundle(files, { ...trustIn(good), ...trust });
}

function codes(report: BundleReport): readonly FailureCode[] {
  const { integrity, time, uniqueness, cause } = report;
  return [integrity, time, uniqueness, cause].flatMap(({ failures }) => failures.map(({ code }) => code));
}

/** A copy of the good bundle after a change; `sealed` again by whoever holds the key. */
function changed(change: (files: Map<string, Buffer>) => void, sealed: boolean): Map<string, Buffer> {
  const files = new Map([...good.files].map(([path, bytes]) => [path, Buffer.from(bytes)]));
  change(files);
  if (sealed) sealBundle({ files, log: good.log });
  return files;
}

function edit(files: Map<string, Buffer>, path: string, change: (text: string) => string): void {
  files.set(path, Buffer.from(change((files.get(path) ?? Buffer.alloc(0)).toString())));
}

/** In canonical form still: only its length is wrong. */
function longer(manifest: string, bytes: number): string {
  return manifest.replace(/"version":"[^"]*"/, () => `"version":"${"1".repeat(bytes)}"`);
}

describe("a bundle that is whole", () => {
  test("is verified in all four ways", () => {
    const report = verifyGood(good.files);
    expect(codes(report)).toEqual([]);
    expect([report.integrity, report.time, report.uniqueness, report.cause].map(({ finding }) => finding)).toEqual([
      "verified",
      "verified",
      "verified",
      "verified",
    ]);
    expect(statusOf(report)).toBe(0);
  });

  test("bounds its window from both sides by the timestamps around its lines", () => {
    const [window] = verifyGood(good.files).windows;
    expect(window?.proven).toEqual({
      start: [startMs + 3_560_000, startMs + 3_900_500],
      end: [startMs + 3_900_500, startMs + 4_300_999],
    });
    expect(window?.claimed.start).toEqual([startMs + 3_600_000 - 30_008, startMs + 3_600_000 + 8]);
  });

  test.each([1, 2, 7, 12, 13, 20])("may begin with record %i", (first) => {
    const report = verifyGood(outageBundle({ first }).files);
    expect(codes(report)).toEqual([]);
    expect(report.integrity.finding).toBe("verified");
  });

  test("may have samples in which nothing fails reduced to their hashes", () => {
    const report = verifyGood(outageBundle({ erased: new Set([1, 2, 5]) }).files);
    expect(codes(report)).toEqual([]);
    expect(report.integrity.because.join()).toContain("3 of");
  });

  test("says what was not proven without an authority and a witness, and still ends well", () => {
    const report = verifyGood(good.files, { verifyToken: null, witnesses: [] });
    expect(report.time.finding).toBe("could not check");
    expect(report.uniqueness.because.join()).toContain("uniqueness not proven");
    expect(report.windows[0]?.notProven).toContain("that this is the only history of the box");
    expect(statusOf(report)).toBe(0);
  });

  test("is not called verified by the key that it brings itself", () => {
    const report = verifyGood(good.files, { key: null });
    expect(report.integrity.finding).toBe("could not check");
    expect(statusOf(report)).toBe(2);
  });
});

describe("a stranger", () => {
  const paths = [...good.files.keys()];
  const mutation = fc.record({
    path: fc.constantFrom(...paths),
    kind: fc.constantFrom("flip", "delete", "insert", "swap lines", "cut", "remove", "rename", "double"),
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    bit: fc.integer({ min: 0, max: 7 }),
  });

  test("cannot change a byte, a line or a file unseen", () => {
    fc.assert(
      fc.property(mutation, ({ path, kind, at, bit }) => {
        const files = changed((each) => mutate(each, path, kind, at, bit), false);
        fc.pre(!isSame(files, good.files));
        // Without its signature the bundle is as one whose key was lost: not taken, and nobody is accused.
        const isUnsigned = kind === "remove" && path === "SHA256SUMS.sig";
        expect(statusOf(verifyGood(files))).toBe(isUnsigned ? 2 : 1);
      }),
      { numRuns: 600 },
    );
  });
});

test("a bundle whose key was lost tells what its log proves, and that nobody vouches for the rest", () => {
  const files = new Map([...good.files].filter(([path]) => path !== "SHA256SUMS.sig"));
  const report = verifyGood(files);
  expect(report.integrity).toMatchObject({ finding: "could not check" });
  expect(report.integrity.because[0]).toContain("nobody vouches for the bundle as a whole");
  expect(report.cause).toEqual(verifyGood(good.files).cause);
  expect(report.uniqueness).toEqual(verifyGood(good.files).uniqueness);
});

describe("the owner of the key", () => {
  const witnessed = [...good.files.keys()].filter((path) => /^(log|checkpoints|proofs)\//.test(path));
  const mutation = fc.record({
    path: fc.constantFrom(...witnessed),
    kind: fc.constantFrom("flip", "delete", "insert", "swap lines", "cut", "remove"),
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    bit: fc.integer({ min: 0, max: 7 }),
  });

  test("cannot change what was witnessed, though he seals the bundle again", () => {
    fc.assert(
      fc.property(mutation, ({ path, kind, at, bit }) => {
        const files = changed((each) => mutate(each, path, kind, at, bit), true);
        fc.pre(!isSame(files, good.files));
        expect(statusOf(verifyGood(files))).toBe(1);
      }),
      { numRuns: 600 },
    );
  });

  test.each<[string, (files: Map<string, Buffer>) => void, FailureCode]>([
    [
      "a line with a space",
      (f) => edit(f, "log/records.jsonl", (t) => t.replace('"v":1', '"v": 1')),
      "line-not-canonical",
    ],
    [
      "a key twice",
      (f) => edit(f, "log/records.jsonl", (t) => t.replace('"v":1', '"v":1,"v":1')),
      "line-not-canonical",
    ],
    ["a NUL", (f) => edit(f, "log/records.jsonl", (t) => t.replace("running", "run\u0000ning")), "line-not-canonical"],
    ["1.0 for 1", (f) => edit(f, "log/records.jsonl", (t) => t.replace('"v":1,', '"v":1.0,')), "line-not-canonical"],
    ["a carriage return", (f) => edit(f, "log/records.jsonl", (t) => t.replace("\n", "\r\n")), "line-not-canonical"],
    [
      "another value",
      (f) => edit(f, "log/records.jsonl", (t) => t.replace('"lan":"ok"', '"lan":"no"')),
      "chain-broken",
    ],
    ["another time in the last line", (f) => edit(f, "log/records.jsonl", lastWallEdited), "root-differs"],
    ["a line less at the end", (f) => edit(f, "log/records.jsonl", withoutLastLine), "log-size-differs"],
    ["a line more", (f) => edit(f, "log/records.jsonl", (t) => `${t}{}\n`), "log-size-differs"],
    ["a text that is no JSON", (f) => edit(f, "log/records.jsonl", (t) => t.replace("{", "[")), "line-not-canonical"],
    [
      "deep brackets",
      (f) => f.set("log/records.jsonl", Buffer.from(`${'{"a":'.repeat(9_000)}\n`)),
      "line-not-canonical",
    ],
    ["a line without an end", (f) => f.set("log/records.jsonl", Buffer.alloc(100_000, 32)), "log-size-differs"],
    ["a very long line", (f) => f.set("log/records.jsonl", Buffer.from(`${" ".repeat(70_000)}\n`)), "line-too-long"],
    ["no manifest", (f) => f.delete("manifest.json"), "file-missing"],
    [
      "a manifest that is longer than any",
      (f) => edit(f, "manifest.json", (t) => longer(t, manifestMaxBytes)),
      "manifest-malformed",
    ],
    ["a manifest with a line feed", (f) => edit(f, "manifest.json", (t) => `${t}\n`), "manifest-malformed"],
    ["a file too many", (f) => f.set("log/more.jsonl", Buffer.from("x")), "file-unexpected"],
    ["a checkpoint less", (f) => f.delete(`checkpoints/${firstSize}.ckpt`), "file-missing"],
    ["a wrong proof", (f) => f.set(proofPath(f), Buffer.alloc(0)), "consistency-wrong"],
    ["a proof in capitals", (f) => edit(f, proofPath(f), (t) => t.toUpperCase()), "proof-malformed"],
    ["another token", (f) => edit(f, `checkpoints/${firstSize}.1.tsr`, (t) => `${t} `), "anchor-missing"],
    ["base64 with loose bits", (f) => edit(f, `checkpoints/${firstSize}.ckpt`, looseBits), "checkpoint-malformed"],
  ])("is found with %s", (_, change, code) => {
    expect(codes(verifyGood(changed(change, true)))).toContain(code);
  });

  test("cannot take the reader's memory with a list of sums that is longer than any", () => {
    const report = verifyGood(changed((f) => f.set("SHA256SUMS", Buffer.alloc(sumsMaxBytes + 1, "\n")), false));
    expect(report.integrity.failures[0]).toEqual({
      code: "sums-malformed",
      where: "SHA256SUMS",
      detail: `it has more than ${sumsMaxBytes} bytes`,
    });
  });

  test("cannot sign with another key", () => {
    const stranger = publicKeyOf(signerOf("stranger").public);
    expect(codes(verifyGood(good.files, { key: stranger }))).toContain("key-differs");
  });

  test("cannot date an outage into the past: its samples follow an anchor that is younger", () => {
    const report = verifyGood(outageBundle({ pastShiftMs: -3_600_000 }).files);
    expect(codes(report)).toContain("window-time-contradicted");
    expect(report.time.finding).toBe("not verified");
  });

  test.each([-86_400_000, 86_400_000])("cannot claim other times than the samples have (%i ms)", (claimShiftMs) => {
    expect(codes(verifyGood(outageBundle({ claimShiftMs }).files))).toContain("window-time-contradicted");
  });

  test.each([
    // Between two timestamps an hour apart nobody else would notice.
    [-600_000, null, "not verified"],
    [98_000, null, "not verified"],
    [-50_000, null, "could not check"],
    [50_000, null, "could not check"],
    [98_000, "timestamps", "not verified"],
    [50_000, "timestamps", "verified"],
  ])(
    "cannot begin before its first failing sample nor end behind its last (%i ms, with %s)",
    (claimShiftMs, asked, time) => {
      const trust = asked === null ? { verifyToken: null } : {};
      expect(verifyGood(outageBundle({ claimShiftMs }).files, trust).time.finding).toBe(time);
    },
  );

  test("is not believed without the cosignature of the witness that was asked for", () => {
    const other = parseWitnessKey(witnessKeyText("other.example", signerOf("other")));
    const report = verifyGood(good.files, { witnesses: other === null ? [] : [other] });
    expect(codes(report)).toEqual(["witness-missing"]);
  });

  test("cannot use the cosignature of a witness that has only the same name", () => {
    const impostor = parseWitnessKey(witnessKeyText("contractor.example/witness", signerOf("impostor")));
    const report = verifyGood(good.files, { witnesses: impostor === null ? [] : [impostor] });
    expect(codes(report)).toEqual(["witness-missing"]);
  });
});

test("a window of a time in which the box was away may be written after a younger anchor, and says so", () => {
  const away = { ...providerDown, box: "crashed" };
  const told = (change: string, atMs: number, end: readonly number[] | null): Step => {
    const start = [startMs + 900_000, startMs + 930_000];
    const data = { cause: "own-software", change, end, exemption: "not-exempt", id: "w1", start };
    return { kind: "window", atMs, data };
  };
  const atMs = startMs + 1_600_000;
  const steps: readonly Step[] = [
    sample(startMs + 800_000, null),
    { checkpoint: true, atMs: startMs + 1_500_000 },
    sample(atMs, "own-software", away),
    told("opened", atMs, null),
    sample(atMs, "own-software", away),
    told("closed", atMs, [startMs + 960_000, startMs + 990_000]),
    sample(atMs + 30_000, null),
    { checkpoint: true, atMs: startMs + 1_700_000 },
  ];
  const report = verifyGood(outageBundle({ steps }).files);
  expect(codes(report)).toEqual([]);
  expect(statusOf(report)).toBe(0);
  expect(report.windows[0]?.notProven.join()).toContain("the box was away");
});

describe("the witness's head", () => {
  const size = parseNote(good.head)?.size ?? 0;
  const headOf = (atSize: number, fill: number, name: string = "contractor.example/witness"): Trust["head"] => {
    const note = noteOf(originOf(good.log), atSize, Buffer.alloc(32, fill), good.log);
    return parseNote(Buffer.concat([note, cosignatureOf(note, name, good.witness, 1_772_440_000)]));
  };

  test("agrees with the bundle that it is of", () => {
    const report = verifyGood(good.files, { head: parseNote(good.head) });
    expect(report.uniqueness.finding).toBe("verified");
  });

  test.each<[string, Trust["head"], FailureCode]>([
    ["less than the bundle", headOf(size - 1, 7), "witness-saw-less"],
    ["another root", headOf(size, 7), "witness-saw-another"],
  ])("finds a bundle of which it saw %s", (_, head, code) => {
    expect(codes(verifyGood(good.files, { head }))).toEqual([code]);
  });

  test("that is later says how much is not in the bundle, and is no proof by itself", () => {
    const later = verifyGood(good.files, { head: headOf(size + 5, 7) });
    expect(later.uniqueness.finding).toBe("verified");
    expect(later.uniqueness.because.join()).toContain("5 records since");
    const alone = verifyGood(good.files, { head: headOf(size + 5, 7), witnesses: [] });
    expect(alone.uniqueness.finding).toBe("could not check");
  });

  test("that is later finds a window whose end was cut off", () => {
    const steps = outageSteps();
    const closed = steps.findIndex((step) => "kind" in step && step.kind === "window" && "data" in step && isEnd(step));
    const cut = outageBundle({ steps: [...steps.slice(0, closed), { checkpoint: true, atMs: startMs + 4_300_000 }] });
    expect(codes(verifyGood(cut.files))).toEqual([]);
    expect(codes(verifyGood(cut.files, { head: headOf(size, 7) }))).toEqual(["window-cut"]);
  });

  test("of another log, or without its witness, is a question that could not be asked", () => {
    expect(statusOf(verifyGood(good.files, { head: headOf(size, 7, "other.example") }))).toBe(2);
    const stranger = signerOf("stranger");
    const foreign = parseNote(noteOf(originOf(stranger), size, Buffer.alloc(32), stranger));
    expect(statusOf(verifyGood(good.files, { head: foreign }))).toBe(2);
  });
});

describe("the cause of a window", () => {
  test.each<[string, Parameters<typeof outageBundle>[0], FailureCode]>([
    ["the provider, while the gateway was dead", { layers: { ...providerDown, lan: "failed" } }, "cause-contradicted"],
    ["the provider, while anchors answered", { layers: { ...providerDown, anchors: "all" } }, "cause-contradicted"],
    ["the service, while no anchor answered", { cause: "service" }, "cause-contradicted"],
    ...(["other-way", "other-name", "health-only"] as const).map((service): [string, object, FailureCode] => [
      `the service, seen as ${service}, which a token endpoint that fails makes nobody's`,
      { cause: "service", layers: { ...providerDown, dns: "ok", anchors: "all", service, token: "failed" } },
      "cause-contradicted",
    ]),
    [
      "an own fault that claims an exemption",
      { cause: "own-network", exemption: "presumed" },
      "exemption-contradicted",
    ],
  ])("is not verified when it is %s", (_, story, code) => {
    const report = verifyGood(outageBundle(story).files);
    expect(codes(report)).toContain(code);
    expect(report.cause.finding).toBe("not verified");
  });

  test("is not verified when no whole sample shows it", () => {
    const steps = outageSteps().map((step) =>
      "kind" in step && step.kind === "sample" && "cause" in step.data && step.data.cause !== null
        ? sample(step.atMs, "internet-provider", providerDown, false)
        : step,
    );
    expect(codes(verifyGood(outageBundle({ steps }).files))).toEqual(["cause-not-shown"]);
  });

  test("could not be checked where the layers alone do not tell it", () => {
    const report = verifyGood(outageBundle({ cause: "power-supplier" }).files);
    expect(report.cause.finding).toBe("could not check");
    expect(statusOf(report)).toBe(0);
  });

  test("is not verified when the window that is meant is not there", () => {
    expect(codes(verifyGood(outageBundle({ windows: ["w2"] }).files))).toEqual(["window-missing", "window-missing"]);
  });
});

function mutate(files: Map<string, Buffer>, path: string, kind: string, at: number, bit: number): void {
  const bytes = files.get(path) ?? Buffer.alloc(0);
  const place = Math.floor(at * bytes.length);
  switch (kind) {
    case "flip":
      if (bytes.length > 0) bytes.writeUInt8((bytes[place] ?? 0) ^ (1 << bit), place);
      break;
    case "delete":
      files.set(path, Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + 1)]));
      break;
    case "insert":
      files.set(path, Buffer.concat([bytes.subarray(0, place), Buffer.from([bit * 32]), bytes.subarray(place)]));
      break;
    case "swap lines": {
      const lines = bytes.toString("latin1").split("\n");
      const line = Math.floor(at * (lines.length - 1));
      const [one = "", other = ""] = lines.slice(line, line + 2);
      files.set(
        path,
        Buffer.from(
          lines
            .with(line, other)
            .with(Math.min(line + 1, lines.length - 1), one)
            .join("\n"),
          "latin1",
        ),
      );
      break;
    }
    case "cut":
      files.set(path, bytes.subarray(0, place));
      break;
    case "remove":
      files.delete(path);
      break;
    case "rename":
      files.delete(path);
      files.set(`${path}2`, bytes);
      break;
    default:
      files.set(path, Buffer.concat([bytes, bytes]));
  }
}

function isSame(one: ReadonlyMap<string, Buffer>, other: ReadonlyMap<string, Buffer>): boolean {
  return one.size === other.size && [...one].every(([path, bytes]) => other.get(path)?.equals(bytes) === true);
}

function isEnd(step: { readonly data: object }): boolean {
  return "change" in step.data && step.data.change === "closed";
}

function lastWallEdited(text: string): string {
  const at = text.lastIndexOf('"wall":') + 7;
  return `${text.slice(0, at)}${Number(text.slice(at, at + 13)) + 1}${text.slice(at + 13)}`;
}

function withoutLastLine(text: string): string {
  return text.slice(0, text.lastIndexOf("\n", text.length - 2) + 1);
}

function proofPath(files: ReadonlyMap<string, Buffer>): string {
  return [...files.keys()].find((path) => path.startsWith("proofs/consistency")) ?? "";
}

/** The last digit before the padding holds two bits that decoders ignore. */
function looseBits(text: string): string {
  const at = text.indexOf("=") - 1;
  return `${text.slice(0, at)}${String.fromCharCode(text.charCodeAt(at) + 1)}${text.slice(at + 1)}`;
}
