import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodePacket,
  encodePacket,
  encodeRequest,
  eraLookBackSeconds,
  exponentNs,
  foldTimestamp,
  type NtpPacket,
  ntpHeaderBytes,
  referenceText,
  shortFormatNs,
  unfoldTimestamp,
} from "./ntp-packet.ts";
import { nsPerSecond, utcNs } from "./utc.ts";

const uint32 = fc.nat({ max: 0xffff_ffff });
const timestamp = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const packet: fc.Arbitrary<NtpPacket> = fc.record({
  leap: fc.nat({ max: 3 }),
  version: fc.integer({ min: 1, max: 4 }),
  mode: fc.nat({ max: 7 }),
  stratum: fc.nat({ max: 255 }),
  poll: fc.integer({ min: -128, max: 127 }),
  precision: fc.integer({ min: -128, max: 127 }),
  rootDelay: uint32,
  rootDispersion: uint32,
  referenceId: uint32,
  referenceTimestamp: timestamp,
  originTimestamp: timestamp,
  receiveTimestamp: timestamp,
  transmitTimestamp: timestamp,
});

const pivot2026 = utcNs(1_767_225_600n * nsPerSecond);

test("a packet is the same after it was encoded and decoded", () => {
  fc.assert(
    fc.property(packet, (each) => {
      expect(decodePacket(encodePacket(each))).toEqual(each);
    }),
  );
});

test("no bytes whatever make decoding throw, and what follows the header is not read", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const decoded = decodePacket(bytes);
      const version = ((bytes[0] ?? 0) >> 3) & 7;
      expect(decoded !== null).toBe(bytes.length >= ntpHeaderBytes && version >= 1 && version <= 4);
      if (decoded !== null) expect(decoded).toEqual(decodePacket(bytes.subarray(0, ntpHeaderBytes)));
    }),
  );
});

test("a request is version 4, mode 3, and tells nothing but its random bits", () => {
  const bytes = Buffer.from(encodeRequest(0x0123_4567_89ab_cdefn));
  expect(bytes.toString("hex")).toBe(`23${"00".repeat(39)}0123456789abcdef`);
});

describe("timestamps", () => {
  const eraEnd = 2_085_978_496n * nsPerSecond;

  test.each([
    ["the last nanosecond of era 0", eraEnd - 1n],
    ["2036-02-07T06:28:16Z", eraEnd],
    ["a second into era 1", eraEnd + nsPerSecond],
  ])("%s unfolds to itself", (_, at) => {
    expect(unfoldTimestamp(foldTimestamp(utcNs(at)), pivot2026)).toBe(at);
  });

  test("every moment from fifty years before the pivot to 86 after it unfolds to itself", () => {
    const first = pivot2026 - eraLookBackSeconds * nsPerSecond;
    fc.assert(
      fc.property(fc.bigInt({ min: first, max: first + (1n << 32n) * nsPerSecond - 1n }), (at) => {
        expect(unfoldTimestamp(foldTimestamp(utcNs(at)), pivot2026)).toBe(at);
      }),
    );
  });

  test("a trusted time in era 1 moves the window along", () => {
    const at = utcNs(4_500_000_000n * nsPerSecond);
    expect(unfoldTimestamp(foldTimestamp(at), utcNs(4_400_000_000n * nsPerSecond))).toBe(at);
  });
});

test.each([
  [0, 0n],
  [0x1_0000, nsPerSecond],
  [1, 15_259n],
  [0xffff_ffff, 65_535_999_984_742n],
])("short format %i is %s ns, never less than it says", (value, ns) => {
  expect(shortFormatNs(value)).toBe(ns);
});

test.each([
  [0, nsPerSecond],
  [-10, 976_563n],
  [-24, 60n],
  [-128, 1n],
  [4, 16n * nsPerSecond],
])("precision %i is at most %s ns", (exponent, ns) => {
  expect(exponentNs(exponent)).toBe(ns);
});

test.each([
  [0x52_41_54_45, "RATE"],
  [0x47_50_53_00, "GPS"],
  [0, null],
  [0x7f_00_01_01, null],
])("reference id %i reads as %s", (referenceId, text) => {
  expect(referenceText(referenceId)).toBe(text);
});
