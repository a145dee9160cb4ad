import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withoutSsins } from "../base/identifiers.ts";
import { languages } from "../base/language.ts";
import { utcText } from "../base/system-time.ts";
import { monotonicNs, wallMs } from "../base/time.ts";
import { wordsIn } from "../outage/explanation.ts";
import { nothingSeen } from "../outage/layers.ts";
import type { OutageWindow } from "../outage/windows.ts";
import { writeSite } from "../testing/campaign/site.ts";
import { ran } from "../testing/run-badged.ts";
import {
  noon,
  preparedCore,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { addToOutage, exportOutages, listOutages, showOutage } from "./outages.ts";

let directory: TemporaryDirectory;

beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory[Symbol.dispose]());

function windowOf(key: string): OutageWindow {
  const firstBad = { bootId: "b", monotonicNs: monotonicNs(1n), utcMs: noon, errorBoundMs: 5 };
  const finding = { cause: "own-network", exemption: "not-exempt", settledBy: [] } as const;
  const segments = [{ from: firstBad, finding, layers: nothingSeen }] as const;
  return { key, lastGood: null, firstBad, openedAt: firstBad, segments, flaps: 0, gaps: [], end: null };
}

test.each(languages)("the list as a spreadsheet has a heading over every column in %s", async (lang) => {
  const { configuration: config } = writeSite(directory.path, 1, "http://127.0.0.1:9");
  preparedCore(storeSettings(join(directory.path, "store")), [])[Symbol.dispose]();
  const shown: string[] = [];
  await listOutages(
    { config, lang, csv: true },
    { out: (line) => shown.push(line), err: () => {}, interactive: false },
  );
  const headings = shown[0]?.replace("\uFEFF", "").split(";") ?? [];
  expect(headings).toHaveLength(6);
  expect(headings).not.toContain("");
  expect(headings[0]).toBe(wordsIn[lang].window.title);
});

test("with its salt what was added to an outage is found in the evidence log, by the line that the format names", async () => {
  const { configuration: config } = writeSite(directory.path, 1, "http://127.0.0.1:9");
  const sealed = "ab".repeat(32);
  const salt = Buffer.from("000a25ff5c27207f8081c3a9deadbeef", "hex");
  {
    using core = preparedCore(storeSettings(join(directory.path, "store")), []);
    core.outages.save(windowOf("b/1"));
    core.outages.add(1, { kind: "attachment", name: "ticket.txt", bytes: 3, sha256: sealed }, noon);
    core.outages.add(1, { kind: "note", text: "not in the log yet" }, noon);
    core.evidence.commit({
      epoch: 1,
      from: 0,
      records: [],
      checkpoint: null,
      anchors: [],
      salts: [{ entryId: 1, salt }],
      erase: [],
    });
  }
  const out: string[] = [];
  await showOutage(1, { config, json: true }, { out: (line) => out.push(line), err: () => {}, interactive: false });
  const { entries } = JSON.parse(out.join("")) as { entries: readonly { salt: string | null }[] };
  expect(entries.map((entry) => entry.salt)).toEqual([salt.toString("hex"), null]);
  const [, line = ""] = /```sh\n(\{ printf.*)\n/.exec(readFileSync("daemon/evidence/README.md", "utf8")) ?? [];
  const found = await ran("bash", ["-c", `SALT=${entries[0]?.salt} CONTENT=${sealed}; ${line}`]);
  expect(found.out.slice(0, 64)).toBe(createHash("sha256").update(salt).update(sealed).digest("hex"));
});

test("a list and an export leave no outage out, however many there are", async () => {
  const { configuration: config } = writeSite(directory.path, 1, "http://127.0.0.1:9");
  const count = 2105;
  {
    using core = preparedCore(storeSettings(join(directory.path, "store")), []);
    const finding = { cause: "own-network", exemption: "not-exempt", settledBy: [] } as const;
    for (let index = 0; index < count; index += 1) {
      // Some of them began at the same moment.
      const utcMs = wallMs(noon + Math.floor(index / 3) * 60_000);
      const firstBad = { bootId: "b", monotonicNs: monotonicNs(BigInt(index)), utcMs, errorBoundMs: 5 };
      core.outages.save({
        key: `b/${index}`,
        lastGood: null,
        firstBad,
        openedAt: firstBad,
        segments: [{ from: firstBad, finding, layers: nothingSeen }],
        flaps: 0,
        gaps: [],
        end: { lastBad: firstBad, firstGood: firstBad },
      });
    }
  }
  const shown: string[] = [];
  const terminal = { out: (line: string) => void shown.push(line), err: () => {}, interactive: false };
  await listOutages({ config, json: true }, terminal);
  const ids = shown.splice(0).map((line) => Number(JSON.parse(line).windowId));
  expect(ids).toEqual(Array.from({ length: count }, (_, index) => count - index));
  await exportOutages({ config }, terminal);
  expect(shown.map((line) => Number(JSON.parse(line).windowId))).toEqual(ids.toReversed());
});

test("every moment of a document has its bound, and none where nothing proved the time", async () => {
  const { configuration: config } = writeSite(directory.path, 1, "http://127.0.0.1:9");
  {
    using core = preparedCore(storeSettings(join(directory.path, "store")), []);
    const window = windowOf("w");
    const slept = { ...window.firstBad, utcMs: wallMs(noon + 60_000), errorBoundMs: null };
    const gaps = [{ from: window.firstBad, to: slept }];
    core.outages.save({ ...window, gaps, healed: gaps, flaps: 1 });
  }
  const shown: string[] = [];
  await listOutages({ config, json: true }, { out: (line) => shown.push(line), err: () => {}, interactive: false });
  const { gaps, healed, segments } = JSON.parse(shown[0] ?? "");
  const [from, to] = [wallMs(noon), wallMs(noon + 60_000)].map(utcText);
  expect(gaps).toEqual([{ from, fromErrorBoundMs: 5, to, toErrorBoundMs: null }]);
  expect(healed).toEqual(gaps);
  expect(segments).toMatchObject([{ from, fromErrorBoundMs: 5 }]);
});

test.each([
  [{ kind: "note", text: "asked 93.05.18-223.61 to come back" }, "asked [number removed] to come back"],
  [{ kind: "attempt", channel: "93051822361", worked: false }, "[number removed]"],
  [{ kind: "attachment", name: "93051822361.txt", bytes: 1, sha256: "0".repeat(64) }, "[number removed].txt"],
] as const)("no national number stays in %j, and whoever wrote it is told", async (entry, kept) => {
  const { configuration: config } = writeSite(directory.path, 1, "http://127.0.0.1:9");
  {
    using core = preparedCore(storeSettings(join(directory.path, "store")), []);
    core.outages.save(windowOf("w"));
  }
  const [shown, told]: [string[], string[]] = [[], []];
  const terminal = {
    out: (line: string) => void shown.push(line),
    err: (line: string) => void told.push(line),
    interactive: false,
  };
  await addToOutage(1, entry, config, terminal);
  await showOutage(1, { config }, terminal);
  expect(shown.join("\n")).toContain(kept);
  expect(shown.join("\n")).not.toMatch(/93\.?05/);
  expect(told).toEqual([expect.stringContaining("was left out")]);
});

test.each(["IMG_20260301_101500.jpg", "Proximus ticket 20260301004711, told by +32 470 12 34 56"])(
  "what is no national number stays: %s",
  (text) => {
    expect(withoutSsins(text, "")).toBe(text);
  },
);

test.each(languages)("one scan is one, and two are more, in %s", (lang) => {
  const { scans } = wordsIn[lang].window;
  expect(scans(1, 0)).not.toMatch(/\bscans\b/i);
  expect(scans(2, 0)).toMatch(/\bscans\b/i);
});

test.each([
  [{ kind: "note", text: " \n" }, "the note has no words"],
  [{ kind: "attempt", channel: "", worked: true }, "the attempt names no channel"],
] as const)("%j is not kept: it could never be taken away again", async (entry, told) => {
  const { configuration: config } = writeSite(directory.path, 1, "http://127.0.0.1:9");
  const silent = { out: () => {}, err: () => {}, interactive: false };
  await expect(addToOutage(1, entry, config, silent)).rejects.toThrow(told);
});

test.each([
  [false, "outage 1: attempt added, as one that failed; where the registration was made, add it again with --worked"],
  [true, "outage 1: attempt added, as one that worked"],
])("whoever adds an attempt is told what it is kept as, worked %s", async (worked, told) => {
  const { configuration: config } = writeSite(directory.path, 1, "http://127.0.0.1:9");
  {
    using core = preparedCore(storeSettings(join(directory.path, "store")), []);
    core.outages.save(windowOf("w"));
  }
  const lines: string[] = [];
  const terminal = { out: (line: string) => void lines.push(line), err: () => {}, interactive: false };
  await addToOutage(1, { kind: "attempt", channel: "online service", worked }, config, terminal);
  expect(lines).toEqual([told]);
});
