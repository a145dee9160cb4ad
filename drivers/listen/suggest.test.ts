import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { monotonicNs } from "../../daemon/base/time.ts";
import { decodeRdm6300 } from "../rdm6300.ts";
import { createFramer, type FramingSettings } from "../serial/framing.ts";
import { createLineDecoder, type LineDecoderSettings } from "../serial/line-decoder.ts";
import type { LineSettings } from "../serial/session.ts";
import { ones } from "./seven-bits.ts";
import { lineHint, type Suggestion, suggest } from "./suggest.ts";

const port = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A9007UX1-if00-port0";
const line: LineSettings = { baudRate: 9600, dataBits: 8, parity: "none", stopBits: 1 };

const latin1 = (text: string): Uint8Array => Buffer.from(text, "latin1");
const suggested = (...bursts: readonly string[]): readonly Suggestion[] => suggest(bursts.map(latin1), port, line);

type Yaml = {
  readonly readers: readonly [
    {
      readonly driver: "rdm6300" | "serial-line";
      readonly port: string;
      readonly line?: LineSettings;
      readonly frame?: FramingSettings & Partial<LineDecoderSettings> & { readonly idle: string };
      readonly badge: { readonly encoding: string; readonly byteOrder: string };
      readonly direction: string;
    },
  ];
};

/** The badges that a reader set up from the snippet alone would read in the bursts. */
function readAsPasted({ yaml }: Suggestion, bursts: readonly string[]): readonly string[] {
  const [reader] = (parse(yaml) as Yaml).readers;
  expect(reader.port).toBe(port);
  const frame = reader.frame ?? { end: "etx", idle: "100 ms", maxBytes: 32 };
  const framer = createFramer({ end: frame.end, idleMs: Number.parseInt(frame.idle, 10), maxBytes: frame.maxBytes });
  const { prefix = "", suffix = "", pattern = null } = reader.frame ?? {};
  const decode = reader.driver === "rdm6300" ? decodeRdm6300 : createLineDecoder({ prefix, suffix, pattern });
  const atNs = (index: number): bigint => BigInt(index) * 5_000_000_000n;
  return bursts.flatMap((burst, index) => {
    const outputs = [
      ...framer.push(latin1(burst), monotonicNs(atNs(index))),
      ...framer.idle(monotonicNs(atNs(index) + 4_000_000_000n)),
    ];
    return outputs.flatMap((output) => {
      const decoded = output.kind === "frame" ? decode(output.bytes) : output;
      return decoded.kind === "badge" ? [decoded.text] : [];
    });
  });
}

type Case = {
  readonly name: string;
  readonly bursts: readonly string[];
  readonly badges: readonly string[];
  readonly encoding: string;
  readonly reason: string;
};

const cases: readonly Case[] = [
  {
    name: "RDM6300",
    bursts: ["\x02010063E9AE25\x03", "\x020C000621A58E\x03\x020C000621A58E\x03", "\x0262E3086CED08\x03"],
    badges: ["010063E9AE", "0C000621A5", "0C000621A5", "62E3086CED"],
    encoding: "hex",
    reason: "4 of 4 frames passed the RDM6300 checksum",
  },
  {
    name: "ID-12LA or ID-20LA",
    bursts: ["\x02010063E9AE25\r\n\x03", "\x024500C5D1E9B8\r\n\x03"],
    badges: ["010063E9AE", "4500C5D1E9"],
    encoding: "hex",
    reason: "2 of 2 frames passed the RDM6300 checksum",
  },
  {
    name: "Parallax",
    bursts: ["\n010063E9AE\r", "\n0C000621A5\r"],
    badges: ["010063E9AE", "0C000621A5"],
    encoding: "hex",
    reason: "2 of 2 frames have its shape",
  },
  {
    name: "EM-18",
    bursts: ["010063E9AE25", "62E3086CED08"],
    badges: ["010063E9AE", "62E3086CED"],
    encoding: "hex",
    reason: "2 of 2 frames passed the EM-18 checksum",
  },
  {
    name: "IDTECK",
    bursts: ["\x020006547886\x03\x07"],
    badges: ["0006547886"],
    encoding: "8H10D",
    reason: "1 of 1 frames passed the IDTECK checksum behind ETX",
  },
  {
    name: "HID MaxiProx",
    bursts: ["0001234ABCDE08\r\n"],
    badges: ["0001234ABCDE"],
    encoding: "hex",
    reason: "1 of 1 frames passed the MaxiProx checksum",
  },
  {
    name: "TWN3 IndiTag",
    bursts: [":112233445501\r\n"],
    badges: ["1122334455"],
    encoding: "hex",
    reason: "1 of 1 frames passed the IndiTag checksum",
  },
  {
    name: "line of text",
    bursts: ["0006547886\r\n", "0006547887\r\n"],
    badges: ["0006547886", "0006547887"],
    encoding: "8H10D",
    reason: "2 lines ended by CR LF: 8H10D numbers, or plain decimal",
  },
  {
    name: "line of text",
    bursts: ["099,59822\r"],
    badges: ["099,59822"],
    encoding: "3D5D",
    reason: "1 line ended by CR: 3D5D numbers",
  },
  {
    name: "line of text",
    bursts: ["0004301515182\n"],
    badges: ["0004301515182"],
    encoding: "decimal",
    reason: "1 line ended by LF: decimal numbers",
  },
  {
    name: "line of text",
    bursts: ["B1F4D700\r\n"],
    badges: ["B1F4D700"],
    encoding: "wiegand26",
    reason: "1 line ended by CR LF: Wiegand 26 numbers, parity right",
  },
  {
    name: "line of text",
    bursts: ["66CF4DC2\r\n"],
    badges: ["66CF4DC2"],
    encoding: "hex",
    reason: "1 line ended by CR LF: hexadecimal numbers",
  },
  {
    name: "line of text",
    bursts: ["\x02]Q3BE-1042/7\x03\r\n", "\x02]Q3NL-88\x03\r\n"],
    badges: ["BE-1042/7", "NL-88"],
    encoding: "text",
    reason: '2 lines ended by CR LF behind "]Q3": text',
  },
  {
    name: "line of text",
    bursts: ["it's:0100A1\r", "it's:0100B2\r"],
    badges: ["0100A1", "0100B2"],
    encoding: "hex",
    reason: '2 lines ended by CR behind "it\'s:": hexadecimal numbers',
  },
  {
    name: "line of text",
    bursts: ["\x02BADGE 12\x03"],
    badges: ["BADGE 12"],
    encoding: "text",
    reason: "1 line between STX and ETX: text",
  },
  {
    name: "line of text",
    bursts: ["BADGE 12", "BADGE 13"],
    badges: ["12", "13"],
    encoding: "decimal",
    reason: '2 lines ended by silence behind "BADGE ": decimal numbers',
  },
];

describe.each(cases)("$name, $reason", ({ name, bursts, badges, encoding, reason }) => {
  test("is suggested first", () => {
    const [best] = suggested(...bursts);
    expect(best).toMatchObject({ name, reason, settings: { encoding } });
  });

  test("reads its badges when pasted", () => {
    const [best] = suggested(...bursts);
    expect(best === undefined ? [] : readAsPasted(best, bursts)).toEqual(badges);
  });
});

test("the snippet is the configuration's own shape", () => {
  expect(suggested("\n010063E9AE\r")[0]?.yaml).toBe(`readers:
  - id: gate
    driver: serial-line
    port: ${port}
    line: { baudRate: 9600, dataBits: 8, parity: none, stopBits: 1 }
    frame: { end: cr, idle: 100 ms, maxBytes: 512, pattern: '^(?<badge>[0-9A-F]{10})$' }
    badge: { encoding: hex, byteOrder: msb }
    direction: toggle
`);
  expect(suggested("\x02010063E9AE25\x03")[0]?.yaml).toBe(`readers:
  - id: gate
    driver: rdm6300
    port: ${port}
    badge: { encoding: hex, byteOrder: msb }
    direction: toggle
`);
});

test.each<[string, readonly string[], string, readonly string[]]>([
  ["two 3D5D badges of one batch", ["099,59822\r\n", "099,12345\r\n"], "3D5D", ["001,00001"]],
  ["3D5D with a full stop", ["099.59822\r\n"], "3D5D", ["001.00001"]],
  ["two cards of one batch, with colons", ["04:A2:2B:1C\r", "04:A2:2B:1D\r"], "hex", ["04:A2:2B:1C:5D:6E:80"]],
  ["small letters", ["010063e9ae\r\n"], "hex", ["0c000621a5", "04A2B3C4D5E680"]],
  ["a short card", ["04A2B3C4\r\n"], "hex", ["04A2B3C4D5E680"]],
  ["a number of seven figures", ["6547886\r\n"], "decimal", ["16547886"]],
  ["numbers behind a site's", ["12-345678\r", "12-345679\r"], "text", ["13-345678"]],
])("%s leave room for the other badges of a site", (_what, heard, encoding, others) => {
  const [best] = suggested(...heard);
  expect(best?.settings.encoding).toBe(encoding);
  const bursts = others.map((other) => other + (heard[0] ?? "").replace(/[^\r\n]/g, ""));
  expect(best === undefined ? [] : readAsPasted(best, bursts)).toEqual(others);
});

test.each([";", "#", "%", "C#"])("%s in front of the numbers is a prefix", (mark) => {
  const bursts = [`${mark}0012345678\r`, `${mark}0012345699\r`];
  const [best] = suggested(...bursts);
  expect(best === undefined ? [] : readAsPasted(best, bursts)).toEqual(["0012345678", "0012345699"]);
});

test("an RDM6300 at another speed is no rdm6300, which opens at 9600", () => {
  const burst = "\x02010063E9AE25\x03";
  const [best] = suggest([latin1(burst)], port, { ...line, baudRate: 19_200 });
  expect(best?.settings).toMatchObject({ driver: "serial-line", line: { baudRate: 19_200 } });
  expect(best === undefined ? [] : readAsPasted(best, [burst])).toEqual(["010063E9AE"]);
});

test("one frame that a cable garbled does not hide the reader; a checksum that mostly fails does", () => {
  const good = "\x02010063E9AE25\x03";
  const bad = "\x02010063E9AE26\x03";
  expect(suggested(good, good, good, good, bad)[0]).toMatchObject({
    name: "RDM6300",
    reason: "4 of 5 frames passed the RDM6300 checksum",
  });
  expect(suggested(bad, bad, good).map(({ name }) => name)).not.toContain("RDM6300");
});

test.each([
  [32, "decimal"],
  [33, "text"],
])("a common start of %i characters leaves %s", (length, encoding) => {
  const start = "x".repeat(length);
  expect(suggested(`${start}12\r`, `${start}13\r`)[0]?.settings.encoding).toBe(encoding);
});

test("nothing is suggested for nothing, nor for noise", () => {
  expect(suggested()).toEqual([]);
  expect(suggested("")).toEqual([]);
  expect(suggested("f", "f")).toEqual([]);
  expect(suggested("\xff\x80\x91\xfe\x00\x13\xe7\xf0")).toEqual([]);
});

test.each([
  [
    "\xff\x80\x91\xfe\x00\x13\xe7\xf0",
    "8 of 8 bytes are no text: the speed may be another than 9600, try 2400, 19200, 115200",
  ],
  ["\xff\x80", "No more than 2 bytes came at a time: the speed may be another than 9600, try 2400, 19200, 115200"],
  // 57600 baud, heard at 9600.
  ["f", "No more than one byte came at a time: the speed may be another than 9600, try 2400, 19200, 115200"],
  ["\x020006547886\x03\x07", null],
  ["\x02010063E9AE25\r\n\x03", null],
])("%j hints at the line: %s", (burst, hint) => {
  expect(lineHint([latin1(burst)], line)).toBe(hint);
});

test("what a reader says between badges is none of them as pasted", () => {
  const [best] = suggested("ALIVE\r\n", "010063E9AE\r\n", "ALIVE\r\n", "0C000621A5\r\n", "ALIVE\r\n");
  expect(best?.reason).toBe("2 lines ended by CR LF, and 3 without a digit, which are no badges: hexadecimal numbers");
  expect(best && readAsPasted(best, ["ALIVE\r\n", "62E3086CED\r\n"])).toEqual(["62E3086CED"]);
  const [named] = suggested("ALIVE\r\n", "12-345678\r\n", "13-345678\r\n");
  expect(named && readAsPasted(named, ["ALIVE\r\n", "14-345678\r\n"])).toEqual(["14-345678"]);
  // Badges that are names, which a pattern for text takes in any case.
  expect(suggested("ALICE\r\n", "BOBBY\r\n")[0]?.reason).toBe("2 lines ended by CR LF: text");
});

test("what sends of itself is told of, a few badges are not", () => {
  const lines = (times: number): readonly Uint8Array[] =>
    Array.from({ length: times }, (_, second) => latin1(`$GPGGA,1200${second + 10},5103.25,N,00343.04,E,1,08*47\r\n`));
  expect(lineHint(lines(10), line)).toMatch(/^10 different lines came: .* no badge reader/);
  expect(lineHint([...lines(9), ...lines(9)], line)).toBeNull();
  expect(lineHint([Buffer.concat(lines(10))], line)).toMatch(/^10 different lines came/);
});

test.each([
  ["even", 1],
  ["odd", 0],
] as const)("a reader of eight data bits and %s parity is told from one of another speed", (parity, odd) => {
  // A parity bit of 0 stands where a line without parity looks for the stop bit: the port reads such a byte as NUL.
  const heard = (text: string): Uint8Array => latin1(text).map((byte) => (ones(byte) % 2 === odd ? byte : 0));
  const hint = `bytes came spoiled, which are read as 00: the reader sends 8 data bits with ${parity} parity`;
  expect(lineHint([heard("0006547886\r\n"), heard("0009876543\r\n")], line)).toContain(hint);
  const noise = Uint8Array.of(...heard("0006547886\r\n"), 0xe7, 0, 0, 0);
  expect(lineHint([noise], line)).toContain("the speed may be another");
});

describe("a reader of seven data bits, heard on a line of eight", () => {
  const badges = ["0006547886", "0009876543"];
  const bursts = badges.map((badge) => `\x02${badge}\r\n`);
  const ones = (byte: number): number => byte.toString(2).replaceAll("0", "").length;
  const sentWith = (eighth: (byte: number) => boolean): readonly Uint8Array[] =>
    bursts.map((burst) => latin1(burst).map((byte) => (eighth(byte) ? byte | 0x80 : byte)));

  test.each([
    ["even", "even parity", (byte: number) => ones(byte) % 2 === 1],
    ["odd", "odd parity", (byte: number) => ones(byte) % 2 === 0],
    ["none", "a bit that is always set", () => true],
  ])("and parity %s is offered a line of its own, not another speed", (parity, words, eighth) => {
    const heard = sentWith(eighth);
    expect(lineHint(heard, line)).toContain(words);
    const [best] = suggest(heard, port, line);
    expect(best?.settings).toMatchObject({ line: { baudRate: 9600, dataBits: 7, parity, stopBits: 1 } });
    expect(best?.yaml).toContain(`dataBits: 7, parity: ${parity}`);
    expect(best === undefined ? [] : readAsPasted(best, bursts)).toEqual(badges);
  });

  test("is found with a byte of noise, and not in text of eight bits", () => {
    const noisy = [...sentWith((byte) => ones(byte) % 2 === 1), latin1("\x00")];
    expect(suggest(noisy, port, line)[0]?.settings).toMatchObject({ line: { dataBits: 7, parity: "even" } });
    // Digits of even parity alone, and noise.
    expect(suggest([latin1("0356935639\n"), latin1("\xff")], port, line)[0]?.settings).toMatchObject({ line });
    // 9600 and 38400 baud, heard at 57600.
    for (const fast of ["\xe0".repeat(14), "\xc0\xc4\xd8\xe4\xc4".repeat(3)]) {
      expect(lineHint([latin1(fast)], { ...line, baudRate: 57_600 })).toContain("the speed may be another");
    }
    expect(lineHint([latin1("B\xe9n\xe9dicte\r\n")], line)).toBeNull();
  });
});

/** A character that the line lost would leave the number of somebody else. */
test.each<[string, readonly string[], readonly string[]]>([
  ["8H10D numbers", ["0006547886\r\n", "0009876543\r\n"], ["000654786\r\n"]],
  ["numbers that are filled up to eight", ["00654788\r\n", "12345678\r\n", "123456789\r\n"], ["0065478\r\n"]],
  ["IDTECK", ["\x020006547886\x03\x07"], ["\x02000654786\x03\x0f"]],
])("of %s none that is shorter than any can be is read as pasted", (_name, whole, cut) => {
  const best = suggested(...whole)[0];
  expect(best && readAsPasted(best, [...whole, ...cut])).toHaveLength(whole.length);
});

test("numbers that are not filled up may be of any length", () => {
  const best = suggested("4301515182\r\n", "654\r\n")[0];
  expect(best && readAsPasted(best, ["7\r\n", "12345678901\r\n"])).toEqual(["7", "12345678901"]);
});
