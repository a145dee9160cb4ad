import { expect, test } from "vitest";
import { parseConfiguration } from "./load.ts";
import {
  affixMaxChars,
  feedbackMaxBytes,
  frameMaxBytes,
  keyMaxChars,
  keysMax,
  patternMaxChars,
  readersMax,
} from "./schema/reader.ts";
import { addressMaxChars, siteNameMaxChars } from "./schema/site.ts";
import { urlMaxChars, urlPathMaxChars, webhooksMax } from "./schema/targets.ts";
import { parseDuration, pathMaxChars } from "./schema/values.ts";
import type { Surroundings } from "./surroundings.ts";

const box: Surroundings = {
  credentialsDirectory: null,
  fileState: () => "readable",
  secretFault: () => null,
  keyFault: () => null,
  deviceOf: (path) => path,
};

const reader = (index: number): string => `{ id: r${index}, driver: rdm6300, port: /dev/ttyUSB${index} }`;

/** JSON is YAML, and a file whose parts can be exchanged is what a table of limits needs. */
function problemsWith(parts: Readonly<Record<string, string>>): readonly string[] {
  const whole: Record<string, string> = {
    site: "{ name: Werf, timeZone: Europe/Brussels, place: { coordinates: { latitude: 51, longitude: 3.7 } } }",
    roster: "{ file: roster.csv, badgeForm: hex }",
    readers: `[${reader(0)}]`,
    service: "{ url: https://service.example }",
    ...parts,
  };
  const text = Object.entries(whole).map(([key, value]) => `${key}: ${value}\n`);
  const loaded = parseConfiguration(text.join(""), "/etc/badged/site.yaml", box);
  return loaded.ok ? [] : loaded.problems.map((problem) => `${problem.path}: ${problem.message}`);
}

const many = (count: number, item: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => item(index)).join(", ");
const store = (key: string) => (value: string) => ({ store: `{ ${key}: ${value} }` });
const gate = (key: string) => (value: string) => ({ readers: `[{ ${reader(0).slice(2, -2)}, ${key}: ${value} }]` });
const scanner = (section: string, key: string) => (value: string) => ({
  readers: `[{ ${reader(0).slice(2, -2).replace("rdm6300", "serial-line")}, ${section}: { ${key}: ${value} } }]`,
});
const service = (key: string) => (value: string) => ({ service: `{ url: https://service.example, ${key}: ${value} }` });
const siteWith = (name: string, place: string): Readonly<Record<string, string>> => ({
  site: `{ name: ${name}, timeZone: Europe/Brussels, place: ${place} }`,
});
const here = "{ coordinates: { latitude: 51, longitude: 3.7 } }";
const street = (value: string): string =>
  `{ address: { postCode: 9000, municipality: Gent, street: ${value}, houseNumber: 1 } }`;
const letters = (count: number): string => "a".repeat(count);
const quoted = (text: string): string => `'${text}'`;

test.each([
  [
    "site.name, characters",
    letters(siteNameMaxChars),
    letters(siteNameMaxChars + 1),
    (value: string) => siteWith(value, here),
  ],
  [
    "address, characters",
    letters(addressMaxChars),
    letters(addressMaxChars + 1),
    (value: string) => siteWith("Werf", street(value)),
  ],
  [
    "latitude, south",
    "49.4",
    "49.3999",
    (value: string) => siteWith("W", `{ coordinates: { latitude: ${value}, longitude: 3.7 } }`),
  ],
  [
    "latitude, north",
    "51.6",
    "51.6001",
    (value: string) => siteWith("W", `{ coordinates: { latitude: ${value}, longitude: 3.7 } }`),
  ],
  [
    "longitude, west",
    "2.5",
    "2.4999",
    (value: string) => siteWith("W", `{ coordinates: { latitude: 51, longitude: ${value} } }`),
  ],
  [
    "longitude, east",
    "6.5",
    "6.5001",
    (value: string) => siteWith("W", `{ coordinates: { latitude: 51, longitude: ${value} } }`),
  ],
  ["store.maxScans, least", "1000", "999", store("maxScans")],
  ["store.maxScans, most", "10000000", "10000001", store("maxScans")],
  ["store.alarmAt, least", "1 %", "0 %", store("alarmAt")],
  ["store.alarmAt, most", "99%", "100%", store("alarmAt")],
  ["store.keepRegistered, least", "1 d", "23 h", store("keepRegistered")],
  ["store.keepRegistered, most", "3650 d", "3651 d", store("keepRegistered")],
  ["store.directory, characters", letters(pathMaxChars), letters(pathMaxChars + 1), store("directory")],
  ["intake.doubleScan, most", "60 min", "3601 s", (value: string) => ({ intake: `{ doubleScan: ${value} }` })],
  [
    "readers, most",
    many(readersMax, reader),
    many(readersMax + 1, reader),
    (value: string) => ({ readers: `[${value}]` }),
  ],
  ["readers, least", reader(0), "", (value: string) => ({ readers: `[${value}]` })],
  [
    "reader id, characters",
    letters(32),
    letters(33),
    (value: string) => ({ readers: `[${reader(0).replace("r0", value)}]` }),
  ],
  ["presence, least", "100 ms", "99 ms", gate("presence")],
  ["presence, most", "60 s", "61 s", gate("presence")],
  [
    "keys, most",
    many(keysMax, (index) => `K${index}: in`),
    many(keysMax + 1, (index) => `K${index}: in`),
    (value: string) => gate("keys")(`{ ${value} }`),
  ],
  [
    "key, characters",
    "K".repeat(keyMaxChars),
    "K".repeat(keyMaxChars + 1),
    (value: string) => gate("keys")(`{ ${value}: in }`),
  ],
  ["frame.idle, least", "30 ms", "29 ms", scanner("frame", "idle")],
  ["frame.idle, most", "5 s", "5001 ms", scanner("frame", "idle")],
  ["frame.maxBytes, least", "8", "7", scanner("frame", "maxBytes")],
  ["frame.maxBytes, most", String(frameMaxBytes), String(frameMaxBytes + 1), scanner("frame", "maxBytes")],
  ["frame.prefix, characters", letters(affixMaxChars), letters(affixMaxChars + 1), scanner("frame", "prefix")],
  [
    "frame.pattern, characters",
    quoted(`(?<badge>${letters(patternMaxChars - 10)})`),
    quoted(`(?<badge>${letters(patternMaxChars - 9)})`),
    scanner("frame", "pattern"),
  ],
  [
    "feedback, bytes",
    quoted("\\x00".repeat(feedbackMaxBytes)),
    quoted("\\x00".repeat(feedbackMaxBytes + 1)),
    scanner("feedback", "accepted"),
  ],
  ["feedback, least", quoted("a"), quoted(""), scanner("feedback", "accepted")],
  ["feedback, byte values", quoted("ÿ"), quoted("Ā"), scanner("feedback", "accepted")],
  ["line.baudRate, one that exists", "2400", "2401", scanner("line", "baudRate")],
  [
    "service.url, characters",
    `https://a/${letters(urlMaxChars - 10)}`,
    `https://a/${letters(urlMaxChars - 9)}`,
    (value: string) => ({ service: `{ url: ${value} }` }),
  ],
  ["service.timeout, least", "1 s", "999 ms", service("timeout")],
  ["service.timeout, most", "5 min", "301 s", service("timeout")],
  ["service.callInterval, most", "10 min", "601 s", service("callInterval")],
  ["service.receiptLimit, least", "1 min", "59 s", service("receiptLimit")],
  ["service.receiptLimit, most", "30 d", "31 d", service("receiptLimit")],
  [
    "service.receiptLimit, beside a timeout of a minute",
    "61 s, timeout: 60 s",
    "60 s, timeout: 60 s",
    service("receiptLimit"),
  ],
  [
    "service.paths, characters",
    `/${letters(urlPathMaxChars - 1)}`,
    `/${letters(urlPathMaxChars)}`,
    (value: string) => service("paths")(`{ health: ${value} }`),
  ],
  [
    "webhooks, most",
    many(webhooksMax, (index) => `{ name: w${index}, url: https://a }`),
    many(webhooksMax + 1, (index) => `{ name: w${index}, url: https://a }`),
    (value: string) => ({ webhooks: `[${value}]` }),
  ],
] as const)("%s: at the limit it is taken, past it refused", (_name, at, past, parts) => {
  expect(problemsWith(parts(at))).toEqual([]);
  expect(problemsWith(parts(past))).toHaveLength(1);
});

test.each([
  ["500 ms", 500],
  ["500ms", 500],
  ["60 s", 60_000],
  ["10 min", 600_000],
  ["4 h", 14_400_000],
  ["35 d", 3_024_000_000],
  ["60", null],
  ["1.5 h", null],
  ["-1 s", null],
  ["60  s", null],
  ["60 sec", null],
  ["", null],
])("the duration %j is %s ms", (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});

test.each(["200", "0.2 s", "60 sec"])("of %s, which is no duration, the message says how one is written", (text) => {
  expect(problemsWith(service("callInterval")(text))).toEqual([
    expect.stringMatching(/such as 1 s: a whole number with its unit, ms, s, min, h or d$/),
  ]);
});

test("old names of time zones are known too, offsets are not time zones", () => {
  const zone = (name: string) => problemsWith({ site: `{ name: W, timeZone: ${name}, place: ${here} }` });
  expect(zone("UTC")).toEqual([]);
  expect(zone("Asia/Calcutta")).toEqual([]);
  expect(zone("+01:00")).toHaveLength(1);
  expect(zone("Europe/Gent")[0]).toContain("is no time zone");
  expect(zone("GMT+1")[0]).toContain("in Belgium it is Europe/Brussels");
});
