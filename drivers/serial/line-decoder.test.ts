import fc from "fast-check";
import { expect, test } from "vitest";
import { createLineDecoder, type LineDecoderSettings } from "./line-decoder.ts";

const plain: LineDecoderSettings = { prefix: "", suffix: "", pattern: null };

function decode(text: string, settings: Partial<LineDecoderSettings> = {}): string {
  const decoded = createLineDecoder({ ...plain, ...settings })(Buffer.from(text, "latin1"));
  return decoded.kind === "badge" ? decoded.text : `!${decoded.reason}`;
}

test.each<[string, Partial<LineDecoderSettings>, string]>([
  ["0006547886", {}, "0006547886"],
  ["\x020006547886\x03", {}, "0006547886"],
  ["0006547886\r", {}, "0006547886"],
  ["\x02AB\x03\r\n\x04", {}, "AB"],
  ["", {}, "!empty"],
  ["\r\n", {}, "!empty"],
  ["A\x00B", {}, "!not-printable"],
  ["caf\xe9", {}, "!not-printable"],
  ["A\rB", {}, "!not-printable"],
  ["]Q3AB", { prefix: "]Q3" }, "AB"],
  ["AB", { prefix: "]Q3" }, "!pattern-mismatch"],
  ["AB#", { suffix: "#" }, "AB"],
  ["AB", { suffix: "#" }, "!pattern-mismatch"],
  ["##", { prefix: "#", suffix: "#" }, "!empty"],
  ["#", { prefix: "#", suffix: "#" }, "!pattern-mismatch"],
  ["0C000621A58E", { pattern: "^(?<badge>[0-9A-F]{10})" }, "0C000621A5"],
  ["#0C000621A58E", { prefix: "#", pattern: "^(?<badge>[0-9A-F]{10})" }, "0C000621A5"],
  ["hello", { pattern: "^(?<badge>[0-9A-F]{10})" }, "!pattern-mismatch"],
  ["x", { pattern: "(?<badge>[0-9]*)x" }, "!empty"],
  ["x", { pattern: "x|(?<badge>[0-9]+)" }, "!pattern-mismatch"],
])("%j with %j is %s", (text, settings, outcome) => {
  expect(decode(text, settings)).toBe(outcome);
});

test("a pattern that would take years is stopped, and the next frame is matched", () => {
  const decodeSlowly = createLineDecoder({ ...plain, pattern: "^(?<badge>(a+)+)$" });
  expect(decodeSlowly(Buffer.from(`${"a".repeat(500)}!`))).toEqual({ kind: "bad", reason: "pattern-mismatch" });
  expect(decodeSlowly(Buffer.from("aaa"))).toEqual({ kind: "badge", text: "aaa" });
});

test("a pattern that is none is refused when the reader is made", () => {
  expect(() => createLineDecoder({ ...plain, pattern: "(" })).toThrow(SyntaxError);
});

test("whatever a frame holds, a badge is printable and not empty", () => {
  const decodeAny = createLineDecoder(plain);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 512 }), (frame) => {
      const decoded = decodeAny(frame);
      expect(decoded.kind === "bad" || /^[\x20-\x7e]+$/.test(decoded.text)).toBe(true);
    }),
  );
});
