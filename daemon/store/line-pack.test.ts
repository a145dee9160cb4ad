import fc from "fast-check";
import { expect, test } from "vitest";
import { lineOf } from "../evidence/record-line.ts";
import { recordArbitrary } from "../testing/evidence-records.ts";
import { packLine, unpackLine } from "./line-pack.ts";

const firstLine =
  '{"boot":"7e2f3c1a-5b6d-4e8f-9a0b-1c2d3e4f5a6b","data":{"cause":null,"layers":{"anchors":"all","box":"running","dns":"ok","firstHop":"unknown","lan":"ok","link":"up","otherChannel":"unknown","power":"unknown","service":"ok","token":"unknown"},"whole":true},"err":7,"kind":"sample","mono":123456789,"p":"9b74c9897bac770ffc029102a200c5de1c5a3e2f6b0b1a7d4f3e9d8c7b6a5f40","seq":12345,"state":"synchronised","v":1,"wall":1780000000000}';
const firstPacked =
  "AbXRwQ1DMQgD0IkiEQIhjAMEtvi7V1XV9NJKvXwPYEvPx0kSa0S3xj53o1zV1MBbD9wjqdim32X54bgN9D3xXVV+quIgnrL0pasuFLpU3EIEqgJQO6AhQPDOHmwjsaaDd5NNNVL3CvFpXATnnWftnw8tOLke";

test("every record's line comes back to the byte", () => {
  fc.assert(
    fc.property(recordArbitrary, (record) => {
      const line = lineOf(record);
      expect(unpackLine(packLine(line))).toBe(line);
    }),
  );
});

test("and so does any text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 5_000 }), (text) => {
      const whole = Buffer.from(text).toString("utf8");
      expect(unpackLine(packLine(whole))).toBe(whole);
    }),
  );
});

test("a line that was packed by the first release is read by every later one", () => {
  const packed = Buffer.from(firstPacked, "base64");
  expect(unpackLine(packed)).toBe(firstLine);
  expect(packLine(firstLine).length).toBeLessThanOrEqual(packed.length);
});

test("text of a row from before is the line", () => {
  expect(unpackLine(firstLine)).toBe(firstLine);
});

test("damage never throws, and never comes out as the line", () => {
  const packed = packLine(firstLine);
  fc.assert(
    fc.property(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }), fc.nat(packed.length), (at, flip, cut) => {
      const flipped = Buffer.from(packed);
      flipped[at] = (flipped[at] ?? 0) ^ flip;
      expect(unpackLine(flipped)).not.toBe(firstLine);
      if (cut < packed.length) expect(unpackLine(packed.subarray(0, cut))).not.toBe(firstLine);
    }),
  );
});
