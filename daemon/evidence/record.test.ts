import fc from "fast-check";
import { expect, test } from "vitest";
import { recordArbitrary } from "../testing/evidence-records.ts";
import { leafHash } from "./merkle.ts";
import type { EvidenceRecord } from "./record.ts";
import { lineHash, lineMaxBytes, lineOf, parseLine } from "./record-line.ts";

const synchronisation: EvidenceRecord = {
  v: 1,
  seq: 7,
  boot: "0f1e2d3c-4b5a-4678-9abc-def012345678",
  mono: 123_456,
  wall: 1_785_751_200_000,
  err: 12,
  state: "synchronised",
  p: "ab".repeat(32),
  kind: "synchronisation",
  data: { id: "0f1e2d3c/42", offsetUs: -1500, boundUs: 12_000, servers: 4, falseTickers: 1 },
};

const line =
  '{"boot":"0f1e2d3c-4b5a-4678-9abc-def012345678","data":{"boundUs":12000,"falseTickers":1,"id":"0f1e2d3c/42",' +
  '"offsetUs":-1500,"servers":4},"err":12,"kind":"synchronisation","mono":123456,' +
  `"p":"${"ab".repeat(32)}","seq":7,"state":"synchronised","v":1,"wall":1785751200000}`;

test("a record is one line of canonical JSON", () => {
  expect(lineOf(synchronisation)).toBe(line);
  expect(parseLine(line)).toEqual({ kind: "record", record: synchronisation });
  expect(parseLine(Buffer.from(line))).toEqual({ kind: "record", record: synchronisation });
});

test("what is written is read back, and written again the same", () => {
  fc.assert(
    fc.property(recordArbitrary, (record) => {
      const written = lineOf(record);
      expect(written).not.toContain("\n");
      const parsed = parseLine(Buffer.from(written));
      expect(parsed).toEqual({ kind: "record", record });
      expect(parsed.kind === "record" && lineOf(parsed.record)).toBe(written);
    }),
    { numRuns: 1000 },
  );
});

test("a line with another byte is refused, or has another hash and another leaf", () => {
  fc.assert(
    fc.property(recordArbitrary, fc.nat(), fc.integer({ min: 1, max: 255 }), (record, where, mask) => {
      const written = Buffer.from(lineOf(record));
      const changed = Buffer.from(written);
      const at = where % written.length;
      changed[at] = (changed[at] ?? 0) ^ mask;
      const parsed = parseLine(changed);
      // What is still a record says something else, and is written in just those bytes.
      if (parsed.kind === "record") expect(Buffer.from(lineOf(parsed.record))).toEqual(changed);
      expect(lineHash(changed)).not.toEqual(lineHash(written));
      expect(leafHash(changed)).not.toEqual(leafHash(written));
    }),
    { numRuns: 2000 },
  );
});

const refused: readonly (readonly [string, string, string])[] = [
  ["a space", line.replace(",", ", "), "not canonical"],
  ["a line feed at the end", `${line}\n`, "not canonical"],
  ["a number that is written otherwise", line.replace('"seq":7', '"seq":7.0'), "not canonical"],
  ["a key given twice", line.replace('"v":1', '"v":1,"v":1'), "not canonical"],
  ["an escape that is not needed", line.replace("0f1e2d3c/42", "0f1e2d3c\\/42"), "not canonical"],
  ["a broken number", line.replace('"err":12', '"err":12.5'), "not a record of this format"],
  [
    "a number that cannot be told from its neighbour",
    line.replace("123456", "9007199254740993"),
    "not a record of this format",
  ],
  ["a negative sequence", line.replace('"seq":7', '"seq":-7'), "not a record of this format"],
  ["a key too many", line.replace('"v":1', '"v":1,"w":1'), "not a record of this format"],
  ["a key too many in its data", line.replace('"servers":4', '"servers":4,"ssin":1'), "not a record of this format"],
  ["a missing key", line.replace('"err":12,', ""), "not a record of this format"],
  ["another version", line.replace('"v":1', '"v":2'), "not a record of this format"],
  [
    "a kind that is not known",
    line.replace('"kind":"synchronisation"', '"kind":"constructor"'),
    "not a record of this format",
  ],
  ["data of another kind", line.replace('"kind":"synchronisation"', '"kind":"stop"'), "not a record of this format"],
  ["capitals in a hash", line.replace("ab".repeat(32), "AB".repeat(32)), "not a record of this format"],
  ["half a line", line.slice(0, line.length / 2), "not JSON"],
  ["nothing", "", "not JSON"],
  ["half a character", line.replace("0f1e2d3c/42", "\ud83d"), "not UTF-8"],
];

test.each(refused)("%s is refused", (_what, text, why) => {
  expect(parseLine(text)).toEqual({ kind: "malformed", why });
});

test("bytes that are not UTF-8 are refused, and so is a byte order mark", () => {
  expect(parseLine(Buffer.from([...Buffer.from(line), 0xff]))).toEqual({ kind: "malformed", why: "not UTF-8" });
  expect(parseLine(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(line)])).kind).toBe("malformed");
});

test("a line at the limit is read, one byte more is not", () => {
  const padded = (length: number): string => line.replace('"seq":7', `"seq":${" ".repeat(length - line.length)}7`);
  expect(parseLine(padded(lineMaxBytes))).toEqual({ kind: "malformed", why: "not canonical" });
  expect(parseLine(padded(lineMaxBytes + 1))).toEqual({ kind: "malformed", why: "longer than 4096 bytes" });
});
