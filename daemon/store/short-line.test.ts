import fc from "fast-check";
import { expect, test } from "vitest";
import { layerNames, type RecordedLayers } from "../evidence/record.ts";
import { lineOf } from "../evidence/record-line.ts";
import { momentArbitrary, recordArbitrary } from "../testing/evidence-records.ts";
import { shortLine, wholeLine } from "./short-line.ts";

const boot = "7e2f3c1a-5b6d-4e8f-9a0b-1c2d3e4f5a6b";
const p = "9b74c9897bac770ffc029102a200c5de1c5a3e2f6b0b1a7d4f3e9d8c7b6a5f40";
const state = fc.constantFrom("ok", "failed", "unknown", "bad-certificate", "rebooted-unclean");
const layers = fc
  .tuple(...layerNames.map(() => state))
  .map((states) => Object.fromEntries(layerNames.map((name, at) => [name, states[at]])) as RecordedLayers);

test("a sample lies there without its names, and comes back to the byte", () => {
  fc.assert(
    fc.property(
      momentArbitrary,
      layers,
      fc.option(fc.constantFrom("internet-provider", "unknown")),
      fc.boolean(),
      (moment, seen, cause, whole) => {
        const data = { layers: seen, cause, whole };
        const line = lineOf({ ...moment, boot, kind: "sample", data, v: 1, seq: 12_345, p });
        expect(shortLine(line).length).toBeLessThan(line.length - 200);
        expect(wholeLine(shortLine(line))).toBe(line);
      },
    ),
  );
});

test("every other record's line, and any text, comes back to the byte", () => {
  fc.assert(
    fc.property(recordArbitrary, (record) => {
      expect(wholeLine(shortLine(lineOf(record)))).toBe(lineOf(record));
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(wholeLine(shortLine(text))).toBe(text);
    }),
  );
});

test.each([
  ["a name twice", '"dns":"ok",', '"dns":"ok","dns":"ok",'],
  ["blank space", '"v":1', '"v": 1'],
  ["another version", '"v":1', '"v":2'],
  ["a comma in a word", '"running"', '"run,ning"'],
  ["an escaped word", '"running"', '"r\\u0075nning"'],
])("a line with %s stays as it is", (_, from, to) => {
  const seen = Object.fromEntries(
    layerNames.map((name) => [name, name === "box" ? "running" : "ok"]),
  ) as RecordedLayers;
  const moment = { boot, mono: 1, wall: 2, err: null, state: "synchronised" } as const;
  const data = { layers: seen, cause: null, whole: true };
  const line = lineOf({ ...moment, kind: "sample", data, v: 1, seq: 0, p });
  const changed = line.replace(from, to);
  expect(changed).not.toBe(line);
  expect(shortLine(line)).not.toBe(line);
  expect(shortLine(changed)).toBe(changed);
});
