import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { between, type Random, seededRandom } from "../../daemon/base/random.ts";
import { type MonotonicNs, monotonicNs } from "../../daemon/base/time.ts";
import type { Framer, FramerOutput } from "./framer.ts";
import { createFramer, type FrameEnd, unfinishedMs } from "./framing.ts";

const ends: readonly FrameEnd[] = ["auto", "cr", "lf", "crlf", "etx", "idle"];
const maxBytes = 512;

const ms = (value: number): MonotonicNs => monotonicNs(BigInt(value) * 1_000_000n);
const bytes = (text: string): Buffer => Buffer.from(text, "latin1");

function framerOf(end: FrameEnd, limit = maxBytes): Framer {
  return createFramer({ end, idleMs: 100, maxBytes: limit });
}

/** `text@ms` of a frame, `!reason` of a bad one. */
function told(outputs: readonly FramerOutput[]): readonly string[] {
  return outputs.map((output) =>
    output.kind === "bad"
      ? `!${output.reason}`
      : `${Buffer.from(output.bytes).toString("latin1")}@${output.firstByteNs / 1_000_000n}`,
  );
}

/** Chunks 1 ms apart, then silence for `silenceMs`. */
function run(framer: Framer, chunks: readonly string[], silenceMs = 0): readonly string[] {
  const outputs = chunks.flatMap((chunk, index) => framer.push(bytes(chunk), ms(index)));
  return told(silenceMs === 0 ? outputs : [...outputs, ...framer.idle(ms(chunks.length - 1 + silenceMs))]);
}

describe.each<[end: FrameEnd, name: string, chunks: readonly string[], silenceMs: number, outputs: readonly string[]]>([
  ["auto", "CR", ["AB\r"], 0, ["AB@0"]],
  ["auto", "LF", ["AB\n"], 0, ["AB@0"]],
  ["auto", "CR LF", ["AB\r\nCD\r\n"], 0, ["AB@0", "CD@0"]],
  ["auto", "ETX, STX stripped", ["\x02AB\x03"], 0, ["AB@0"]],
  ["auto", "EOT", ["AB\x04"], 0, ["AB@0"]],
  ["auto", "silence", ["A", "B"], 100, ["AB@0"]],
  ["auto", "too short a silence", ["A", "B"], 99, []],
  ["auto", "ID-12LA: CR LF before ETX is one frame", ["\x020C000621A58E\r\n\x03"], 1000, ["0C000621A58E@0"]],
  ["auto", "the same, a byte at a time", [..."\x02AB\r\n\x03"], 1000, ["AB@0"]],
  ["auto", "Parallax: LF in front", ["\n0F0184F20B\r"], 1000, ["0F0184F20B@0"]],
  ["auto", "the first byte's time, not the last's", ["\x02", "A", "B\r", "C", "D\r"], 0, ["AB@0", "CD@3"]],
  ["auto", "a new STX gives up what came before", ["12\x02AB\x03"], 0, ["!wrong-length", "AB@0"]],
  ["auto", "nothing between STX and ETX", ["\x02\x03"], 0, ["!empty"]],
  ["etx", "STX and ETX", ["\x02AB\x03"], 0, ["AB@0"]],
  ["etx", "line ends inside stay", ["\x02AB\r\n\x03"], 0, ["AB\r\n@0"]],
  [
    "etx",
    "IDTECK: the checksum behind ETX is outside",
    ["\x020006547886\x03\x07\x02AB\x03"],
    0,
    ["0006547886@0", "AB@0"],
  ],
  ["etx", "IDTECK: a checksum that looks like STX", ["\x02A\x03\x02", "\x02B\x03"], 0, ["A@0", "B@1"]],
  ["etx", "text without STX", ["AB\x03"], 0, ["!wrong-length"]],
  ["etx", "lines of another reader", ["AB\r\nCD\r\n"], 0, ["!wrong-length", "!wrong-length"]],
  ["etx", "noise, given up in silence", ["\xe0\xff\x00"], unfinishedMs, ["!wrong-length"]],
  ["etx", "noise before STX", ["\xe0\x02AB\x03"], 0, ["!wrong-length", "AB@0"]],
  ["etx", "a checksum in hexadecimal behind ETX", ["\x02AB\x031F\r\n\x02CD\x03"], unfinishedMs, ["AB@0", "CD@0"]],
  ["etx", "a checksum, and noise behind it", ["\x02AB\x03\x07", "\r\xff\r"], 0, ["AB@0", "!wrong-length"]],
  ["etx", "what is too long for a checksum", ["\x02AB\x031FC\r\n"], 0, ["AB@0", "!wrong-length"]],
  ["etx", "half a frame, given up in silence", ["\x02AB"], unfinishedMs, ["!wrong-length"]],
  ["cr", "CR", ["AB\rCD\r"], 0, ["AB@0", "CD@0"]],
  ["cr", "the LF of a CR LF does not lend its time", ["AB\r", "\n", "CD\r"], 0, ["AB@0", "CD@2"]],
  ["cr", "LF is no end", ["A\nB\r"], 0, ["A\nB@0"]],
  ["lf", "LF", ["AB\nCD\n"], 0, ["AB@0", "CD@0"]],
  ["lf", "CR before it stays, the decoder removes it", ["AB\r\n"], 0, ["AB\r@0"]],
  ["crlf", "CR LF, apart", ["AB\r", "\nCD\r\n"], 0, ["AB@0", "CD@1"]],
  ["crlf", "CR alone is no end", ["A\rB\r\n"], 0, ["A\rB@0"]],
  ["crlf", "an empty line", ["\r\nAB\r\n"], 0, ["!empty", "AB@0"]],
  ["crlf", "silence ends nothing before a second", ["AB"], unfinishedMs - 1, []],
  ["crlf", "half a line, given up in silence", ["AB"], unfinishedMs, ["!wrong-length"]],
  ["idle", "silence", ["A", "B"], 100, ["AB@0"]],
  ["idle", "no character ends", ["A\r\n\x03B"], 100, ["A\r\n\x03B@0"]],
])("%s", (end, name, chunks, silenceMs, outputs) => {
  test(name, () => {
    expect(run(framerOf(end), chunks, silenceMs)).toEqual(outputs);
  });
});

describe.each(ends)("the byte limit of %s", (end) => {
  const [before, after] = {
    auto: ["", "\r"],
    cr: ["", "\r"],
    lf: ["", "\n"],
    crlf: ["", "\r\n"],
    etx: ["\x02", "\x03"],
    idle: ["", ""],
  }[end];
  const pass = (text: string): readonly string[] => run(framerOf(end, 8), [`${before}${text}${after}`], unfinishedMs);

  test("is kept", () => {
    expect(pass("12345678")).toEqual(["12345678@0"]);
  });

  test("is not passed: the whole frame is dropped, once", () => {
    expect(pass("123456789")).toEqual(["!too-long"]);
    expect(pass("1".repeat(100_000))).toEqual(["!too-long"]);
  });

  test("holds for one frame only: the next is read", () => {
    const framer = framerOf(end, 8);
    run(framer, [`${before}${"1".repeat(100)}${after}`], end === "idle" ? 100 : 0);
    expect(told(framer.push(bytes(`${before}AB${after}`), ms(5))).concat(told(framer.idle(ms(9999))))).toEqual([
      "AB@5",
    ]);
  });
});

test.each(ends)("%s: a byte of noise does not lend its time to the badge that comes hours later", (end) => {
  const framer = framerOf(end);
  framer.push(bytes("\x02x"), ms(0));
  framer.idle(ms(unfinishedMs));
  const outputs = framer.push(bytes("\x02AB\x03\r\n"), ms(3_600_000));
  const frames = [...outputs, ...framer.idle(ms(3_700_000))].filter((output) => output.kind === "frame");
  expect(frames.map((frame) => frame.firstByteNs)).toEqual([ms(3_600_000)]);
});

const noise = fc.uint8Array({ maxLength: 600 });
const lively = fc
  .array(fc.constantFrom("\x02", "\x03", "\x04", "\r", "\n", "\r\n", "A", "0123456789", "é"), { maxLength: 60 })
  .map((parts) => Uint8Array.from(bytes(parts.join(""))));
const cuts = fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 50 });

function cut(whole: Uint8Array, sizes: readonly number[]): readonly Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let from = 0, turn = 0; from < whole.length; turn += 1) {
    const to = from + 1 + (sizes[turn % sizes.length] ?? 0);
    chunks.push(whole.subarray(from, to));
    from = to;
  }
  return chunks;
}

test("the same bytes give the same frames however they are cut into chunks", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ends),
      fc.oneof(noise, lively),
      cuts,
      fc.constantFrom(3, 8, 512),
      (end, whole, sizes, limit) => {
        const once = framerOf(end, limit);
        const pieces = framerOf(end, limit);
        const expected = [...once.push(whole, ms(0)), ...once.idle(ms(unfinishedMs))];
        const outputs = cut(whole, sizes).flatMap((chunk) => pieces.push(chunk, ms(0)));
        expect(told([...outputs, ...pieces.idle(ms(unfinishedMs))])).toEqual(told(expected));
      },
    ),
    { numRuns: 1_000 },
  );
});

test("the first byte's time is the time of the chunk that held it", () => {
  fc.assert(
    fc.property(fc.constantFrom<FrameEnd>("auto", "cr", "lf", "crlf"), cuts, (end, sizes) => {
      const framer = framerOf(end);
      const line = end === "auto" || end === "crlf" ? "\r\n" : end === "cr" ? "\r" : "\n";
      const whole = Uint8Array.from(bytes(`0123456789${line}`.repeat(10)));
      const startOf: number[] = [];
      const outputs = cut(whole, sizes).flatMap((chunk, index) => {
        for (const _ of chunk) startOf.push(index);
        return framer.push(chunk, ms(index));
      });
      expect(told(outputs)).toEqual(
        Array.from({ length: 10 }, (_, each) => `0123456789@${startOf[each * (10 + line.length)]}`),
      );
    }),
  );
});

test("no frame is longer than the limit, and none is empty", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ends),
      fc.oneof(noise, lively),
      fc.integer({ min: 1, max: 20 }),
      (end, whole, limit) => {
        const framer = framerOf(end, limit);
        for (const output of [...framer.push(whole, ms(0)), ...framer.idle(ms(unfinishedMs))]) {
          if (output.kind === "bad") continue;
          expect(output.bytes.length).toBeGreaterThan(0);
          expect(output.bytes.length).toBeLessThanOrEqual(limit);
        }
        expect(framer.bufferedBytes).toBe(0);
      },
    ),
  );
});

test("a frame behind any junk and an end is read", () => {
  const endOf: Readonly<Record<FrameEnd, string>> = {
    auto: "\r",
    cr: "\r",
    lf: "\n",
    crlf: "\r\n",
    etx: "\x03",
    idle: "",
  };
  fc.assert(
    fc.property(fc.constantFrom(...ends), noise, (end, junk) => {
      const framer = framerOf(end, 64);
      framer.push(junk, ms(0));
      if (end === "idle") framer.idle(ms(100));
      else framer.push(bytes(endOf[end]), ms(0));
      const frame = end === "etx" ? "\x020C000621A58E\x03" : `0C000621A58E${endOf[end]}`;
      const outputs = [...framer.push(bytes(frame), ms(200)), ...framer.idle(ms(300))];
      expect(told(outputs)).toEqual(["0C000621A58E@200"]);
    }),
  );
});

describe("serial noise, ten million random bytes", () => {
  test.each(ends)("%s counts bad frames, and holds no more than its limit", (end) => {
    const random: Random = seededRandom(6547886);
    const framer = framerOf(end);
    let badFrames = 0;
    let mostBytes = 0;
    let nowMs = 0;
    for (let total = 0; total < 10_000_000; ) {
      const chunk = noiseOf(random, between(random, 1, 8_192));
      total += chunk.length;
      nowMs += between(random, 1, 150);
      for (const output of [...framer.idle(ms(nowMs)), ...framer.push(chunk, ms(nowMs))]) {
        if (output.kind === "bad") badFrames += 1;
      }
      if (framer.bufferedBytes > mostBytes) mostBytes = framer.bufferedBytes;
    }
    expect(badFrames).toBeGreaterThan(100);
    expect(mostBytes).toBeLessThanOrEqual(maxBytes + 2);
  });
});

function noiseOf(random: Random, length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let index = 0; index < words.length; index += 1) words[index] = random() * 2 ** 32;
  return new Uint8Array(words.buffer, 0, length);
}
