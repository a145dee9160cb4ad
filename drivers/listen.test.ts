import { expect, test } from "vitest";
import { type MonotonicNs, monotonicNs } from "../daemon/base/time.ts";
import { burstGapMs, burstMaxBytes, burstsMax, Listening } from "./listen.ts";

const ms = (value: number): MonotonicNs => monotonicNs(BigInt(value) * 1_000_000n);
const bytes = (text: string): Buffer => Buffer.from(text, "latin1");

test("bytes are shown in hexadecimal and ASCII, sixteen a line, then the frame they made", () => {
  const listening = new Listening();
  expect(listening.push(bytes("\x02010063E9AE25\x03\xff\r\nAB"), ms(7))).toEqual([
    { kind: "bytes", hex: "02 30 31 30 30 36 33 45 39 41 45 32 35 03 FF 0D", ascii: ".010063E9AE25...", atNs: ms(7) },
    { kind: "bytes", hex: "0A 41 42", ascii: ".AB", atNs: ms(7) },
    { kind: "frame", ascii: "010063E9AE25", bytes: 12, firstByteNs: ms(7) },
    { kind: "frame", ascii: ".", bytes: 1, firstByteNs: ms(7) },
  ]);
  expect(listening.idle(ms(7 + burstGapMs))).toEqual([{ kind: "frame", ascii: "AB", bytes: 2, firstByteNs: ms(7) }]);
});

test("bytes with silence between them are bursts of their own", () => {
  const listening = new Listening();
  expect(listening.quietAtNs).toBeNull();
  listening.push(bytes("AB"), ms(0));
  listening.push(bytes("CD"), ms(50));
  expect(listening.quietAtNs).toBe(ms(50 + burstGapMs));
  listening.idle(ms(50 + burstGapMs - 1));
  listening.push(bytes("EF"), ms(50 + burstGapMs - 1));
  listening.idle(ms(1_000));
  listening.push(bytes("GH"), ms(1_001));
  expect(listening.bursts.map((burst) => Buffer.from(burst).toString())).toEqual(["ABCDEF", "GH"]);
});

test("a port that never stops fills the newest bursts only", () => {
  const listening = new Listening();
  for (let chunk = 0; chunk < 2 * burstsMax; chunk += 1) listening.push(new Uint8Array(burstMaxBytes), ms(chunk));
  expect(listening.bursts.length).toBeLessThanOrEqual(burstsMax + 1);
  expect(Math.max(...listening.bursts.map((burst) => burst.length))).toBe(burstMaxBytes);
});
