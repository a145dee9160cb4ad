import canonicalize from "canonicalize";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { base64Of, parseCanonical } from "./canonical.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: "grapheme" }),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: "grapheme" }), tie("value"), { maxKeys: 5 }),
  ),
}));

describe("canonical JSON", () => {
  test("is read back from what RFC 8785 writes", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: "grapheme" }), value), (object) => {
        expect(parseCanonical(bytes(canonicalize(object) ?? ""))).not.toBeNull();
      }),
    );
  });

  test.each([
    ["keys out of order", '{"b":1,"a":2}'],
    ["a key twice", '{"a":1,"a":1}'],
    ["a key twice with another value", '{"a":1,"a":2}'],
    ["a space", '{"a": 1}'],
    ["something behind it", '{"a":1} '],
    ["a fraction", '{"a":1.5}'],
    ["a whole number as a fraction", '{"a":1.0}'],
    ["an exponent", '{"a":1e3}'],
    ["minus nothing", '{"a":-0}'],
    ["a number beyond 2^53", '{"a":9007199254740993}'],
    ["a needless escape", '{"a":"\\u0041"}'],
    ["a slash escaped", '{"a":"\\/"}'],
    ["half a surrogate pair", '{"a":"\\ud800"}'],
    ["half a surrogate pair in a key", '{"\\ud800":1}'],
    ["a list", "[1]"],
    ["a byte order mark", '\ufeff{"a":1}'],
    ["nothing", ""],
    ["17 objects in each other", `${'{"a":'.repeat(17)}1${"}".repeat(17)}`],
    ["a million brackets", "[".repeat(1_000_000)],
  ])("is not %s", (_, text) => {
    expect(parseCanonical(bytes(text))).toBeNull();
  });

  test("is UTF-8, and nothing else", () => {
    expect(parseCanonical(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toBeNull();
  });

  test("keeps a key that means something to JavaScript", () => {
    expect(Object.keys(parseCanonical(bytes('{"__proto__":1}')) ?? {})).toEqual(["__proto__"]);
  });
});

describe("base64", () => {
  test.each(["QQ", "QR==", "Q Q=", "QQ==\n", "_w==", "QQ===", "é"])("in the form %j is not taken", (text) => {
    expect(base64Of(text)).toBeNull();
  });

  test("in its one form is", () => {
    expect(base64Of("QQ==")).toEqual(Buffer.from("A"));
  });
});
