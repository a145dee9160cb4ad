import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Configuration } from "./configuration.ts";
import { configurationMaxChars, loadConfiguration, parseConfiguration, problemsMax } from "./load.ts";
import { defaultTimeServers } from "./schema/clock.ts";
import { defaultAnchors, defaultResolvers } from "./schema/outage.ts";
import type { Surroundings } from "./surroundings.ts";

/** A box on which every file that is named is there and safe. */
const box: Surroundings = {
  credentialsDirectory: null,
  fileState: () => "readable",
  secretFault: () => null,
  keyFault: () => null,
  deviceOf: (path) => path,
};

const site = `site:
  name: Werf
  timeZone: Europe/Brussels
  place: { coordinates: { latitude: 51.0543, longitude: 3.7174 } }
`;
const roster = `roster: { file: roster.csv, badgeForm: hex }
`;
const readers = `readers:
  - id: gate
    driver: rdm6300
    port: /dev/ttyUSB0
`;
const service = `service:
  url: https://service.example/v1
`;
const scanner = `  - id: scanner
    driver: serial-line
    port: /dev/ttyUSB1
`;

function problemsOf(text: string, surroundings: Surroundings = box): readonly string[] {
  const loaded = parseConfiguration(text, "/etc/badged/site.yaml", surroundings);
  return loaded.ok ? [] : loaded.problems.map((each) => each.text.replace("/etc/badged/", ""));
}

function configured(text: string, surroundings: Surroundings = box): Configuration {
  expect(problemsOf(text, surroundings)).toEqual([]);
  const loaded = parseConfiguration(text, "/etc/badged/site.yaml", surroundings);
  if (!loaded.ok) throw new Error("checked above");
  return loaded.configuration;
}

test("a short file is enough: what it does not say is the default, in milliseconds and absolute paths", () => {
  const { fingerprint, ...configuration } = configured(site + roster + readers + service);
  const place = { kind: "coordinates", latitude: 51.0543, longitude: 3.7174 };
  expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
  expect(configuration).toEqual({
    file: "/etc/badged/site.yaml",
    site: { name: "Werf", timeZone: "Europe/Brussels", declarationOfWorks: null, place },
    store: {
      directory: "/var/lib/badged",
      maxScans: 1_000_000,
      alarmAtScans: 800_000,
      keepRegisteredMs: 35 * 86_400_000,
    },
    roster: { file: "/etc/badged/roster.csv", badgeForm: "hex" },
    intake: { doubleScanMs: 60_000 },
    clock: { servers: defaultTimeServers, systemClock: "slewed" },
    readers: [
      {
        id: "gate",
        driver: "rdm6300",
        port: "/dev/ttyUSB0",
        direction: { kind: "toggle" },
        keys: new Map(),
        badge: { encoding: "hex", byteOrder: "msb" },
        presenceMs: 500,
        place,
        declarationOfWorks: null,
      },
    ],
    service: {
      url: "https://service.example/v1",
      tokenFile: null,
      oauth: null,
      pins: [],
      limosaField: null,
      receiptLimitMs: null,
      late: "withhold",
      timeoutMs: 30_000,
      callIntervalMs: 1000,
      paths: {
        register: "/presenceRegistrations/registerInBulk",
        search: "/presenceRegistrations",
        registration: "/presenceRegistrations/{id}",
        health: "/health",
      },
    },
    outage: {
      anchors: defaultAnchors,
      resolvers: defaultResolvers,
      firstHop: null,
      secondInterface: null,
      ups: null,
      summaryAt: "18:30",
      language: "nl",
    },
    evidence: { keyFile: null, shiftEdges: [], authority: null, witnesses: [] },
    supplier: null,
    webhooks: [],
    log: { level: "info" },
  });
});

test("a serial-line reader has a line, a frame and no feedback unless the file says so", () => {
  expect(configured(site + roster + readers + scanner + service).readers[1]).toMatchObject({
    driver: "serial-line",
    line: { baudRate: 9600, dataBits: 8, parity: "none", stopBits: 1 },
    frame: { end: "auto", idleMs: 100, maxBytes: 512, prefix: "", suffix: "", pattern: null },
    feedback: { accepted: null, "already-recorded": null, "unknown-badge": null, "not-recorded": null },
  });
});

test("a reader's own place and AvW number stand before its site's", () => {
  const own = `${readers}    declarationOfWorks: 1Y1003SQ5VSSA
    place: { address: { postCode: 9000, municipality: Gent, street: Kaai, houseNumber: 007 } }
`;
  const { readers: loaded } = configured(
    `${site}  declarationOfWorks: 1Y1003SQ5VSSZ\n${roster}${own}${scanner}${service}`,
  );
  expect(loaded[0]).toMatchObject({
    place: { kind: "address", postCode: "9000", houseNumber: "007", boxNumber: null },
  });
  expect(loaded.map((each) => each.declarationOfWorks)).toEqual(["1Y1003SQ5VSSA", "1Y1003SQ5VSSZ"]);
  expect(loaded[1]?.place.kind).toBe("coordinates");
});

test.each([
  [String.raw`'\x06'`, [6]],
  [String.raw`"\x06"`, [6]],
  [String.raw`'OK\r\n\t\\'`, [0x4f, 0x4b, 0x0d, 0x0a, 0x09, 0x5c]],
  [String.raw`'\xfFé'`, [0xff, 0xe9]],
  ["7", [0x37]],
])("feedback %s is these bytes", (written, bytes) => {
  const text = `${site}${roster}${readers}${scanner}    feedback: { accepted: ${written} }\n${service}`;
  expect(configured(text).readers[1]).toMatchObject({ feedback: { accepted: Uint8Array.from(bytes) } });
});

test("keys are kept as they are written: 01 is another key than 1", () => {
  const text = `${site}${roster.replace("hex", "text")}${readers}    badge: { encoding: text }\n    keys: { 01: in, 1: out }\n${service}`;
  const [problem] = problemsOf(text);
  expect(problem).toContain("is not what an RDM6300 sends");
  const serial = text.replace("rdm6300", "serial-line");
  expect(configured(serial).readers[0]?.keys).toEqual(
    new Map([
      ["01", "in"],
      ["1", "out"],
    ]),
  );
});

test("the url loses the slash at its end, so that a path fits behind it", () => {
  expect(configured(site + roster + readers + service.replace("v1", "v1/")).service.url).toBe(
    "https://service.example/v1",
  );
});

describe("credentials of systemd", () => {
  const text = `${site}${roster}${readers}${service}  tokenFile: $CREDENTIALS_DIRECTORY/token\n`;

  test("in a unit the variable is replaced", () => {
    const unit = { ...box, credentialsDirectory: "/run/credentials/badged.service" };
    expect(configured(text, unit).service.tokenFile).toBe("/run/credentials/badged.service/token");
  });

  test("outside a unit the file can still be checked; reading the secret then says what is missing", () => {
    expect(
      configured(text, {
        ...box,
        secretFault: () => {
          throw new Error("not asked");
        },
      }).service.tokenFile,
    ).toBe("$CREDENTIALS_DIRECTORY/token");
  });

  test("no other variable is replaced", () => {
    const home = text.replace("$CREDENTIALS_DIRECTORY", "$HOME");
    expect(configured(home).service.tokenFile).toBe("/etc/badged/$HOME/token");
  });
});

test("all problems come in one pass, in the order of the file", () => {
  const text = `site:
  name: ""
  time_zone: Europe/Brusels
  place:
    coordinates: { latitude: 3.7174, longitude: 51.0543 }
stor:
  maxScans: 5
roster:
  file: roster.csv
  badgeForm: hexx
  doubleScan: 3 s
readers:
  - id: gate
    driver: rdm630
    port: /dev/ttyUSB0
    direction: tog
    line: { baudRate: 9600 }
  - id: gate
    driver: serial-line
    port: /dev/ttyUSB0
    port: /dev/ttyUSB1
    frame: { idle: 3 days, maxbytes: 9999 }
  - driver: serial-line
    port: /dev/ttyUSB2
    place:
service:
  url: http://example.com/x
  token: abc
webhooks:
  name: x
log: info
`;
  const start = (line: string): string => line.split("; ")[0]?.split(", so ")[0]?.split(". ")[0] ?? "";
  expect(problemsOf(text).map(start)).toEqual([
    'site.yaml:2:9: site.name: is ""',
    "site.yaml:3:3: site.time_zone: is not a key here",
    'site.yaml:3:14: site.timeZone: "Europe/Brusels" is no time zone: local dates and the nightly clean-up would be hours off',
    "site.yaml:5:18: site.place.coordinates: has latitude and longitude swapped: every registration would name a place where nobody works",
    "site.yaml:6:1: stor: is not a key here",
    "site.yaml:7:13: store.maxScans: is 5",
    'site.yaml:10:14: roster.badgeForm: is "hexx"',
    "site.yaml:11:3: roster.doubleScan: is not a key here",
    'site.yaml:14:13: readers[0].driver: is "rdm630"',
    'site.yaml:16:16: readers[0].direction: is "tog"',
    "site.yaml:17:5: readers[0].line: is a key of driver serial-line, this reader's driver is rdm6300",
    "site.yaml:18:9: readers[1].id: is the id of readers[0] too",
    'site.yaml:20:11: readers[1].port: is the port of reader "gate" too',
    "site.yaml:21:5: readers[1].port: is on line 20 already, and only one of them could count",
    'site.yaml:22:20: readers[1].frame.idle: is "3 days"',
    "site.yaml:22:28: readers[1].frame.maxbytes: is not a key here",
    "site.yaml:22:38: readers[1].frame.maxBytes: is 9999",
    "site.yaml:23:5: readers[2].id: is missing",
    "site.yaml:25:11: readers[2].place: is empty",
    "site.yaml:27:8: service.url: is not https: national numbers would travel in the clear",
    "site.yaml:28:3: service.token: is not a key: no secret stands in this file",
    "site.yaml:30:3: webhooks: is a section",
    'site.yaml:31:6: log: is "info"',
  ]);
});

describe("what a cross check says of its consequence", () => {
  const whole = site + roster + readers + service;
  const swap = (from: string, to: string): string => whole.replace(from, to);
  const two = (lines: string): string => site + roster + readers + scanner + lines + service;

  test.each([
    [
      "a port without a path",
      swap("/dev/ttyUSB0", "COM3"),
      "9:11: readers[0].port: is not the path of a device, so the reader would never be found",
    ],
    [
      "an AvW number with an O",
      `${site}  declarationOfWorks: 1Y1003SQ5VSSO\n${roster}${readers}${service}`,
      'declarationOfWorks: is "1Y1003SQ5VSSO"; expected an AvW number',
    ],
    ["a decimal comma", swap("51.0543", "51,0543"), "is the rest of a number behind a comma: write it with a point"],
    [
      "a number in quotation marks",
      `${whole}store: { maxScans: "5000" }\n`,
      'store.maxScans: is "5000"; expected a whole number from 1000 to 10000000, without quotation marks',
    ],
    ["a place abroad", swap("51.0543", "52.37"), "4:25: site.place.coordinates: is not in Belgium"],
    [
      "no place at all",
      swap("{ coordinates: { latitude: 51.0543, longitude: 3.7174 } }", "{}"),
      "4:10: site.place: give exactly one of coordinates and address",
    ],
    [
      "an alarm at the limit",
      `${whole}store: { alarmAt: 100 % }\n`,
      "store.alarmAt: is not below 100 %: the alarm would come when scans are being refused already",
    ],
    [
      "a pattern that is none",
      two("    frame: { pattern: '(' }\n"),
      "frame.pattern: is no regular expression, so no frame would become a badge",
    ],
    [
      "a pattern without the group",
      two("    frame: { pattern: '^[0-9]+$' }\n"),
      "frame.pattern: has no group named badge, so no frame would become a badge",
    ],
    [
      "an encoding that says too little",
      two("    badge: { encoding: 8H10D }\n"),
      "readers[1].badge.encoding: is 8H10D, from which the roster's hex cannot be worked out, so every badge at this reader would be unknown; keep the roster in one of 8H10D, 3D5D, wiegand26, or let the reader send another form",
    ],
    [
      "an encoding left out that cannot give the roster's form",
      swap("badgeForm: hex", "badgeForm: text"),
      "7:5: readers[0].badge.encoding: is hex, from which the roster's text",
    ],
    [
      "a key that begins a badge",
      two("    keys: { A: in }\n"),
      "readers[1].keys.A: can be the beginning of a badge number in hex",
    ],
    [
      "a receipt limit within the timeout",
      `${whole}  receiptLimit: 1 min\n  timeout: 60 s\n`,
      "service.receiptLimit: is not longer than timeout (60 s): a call that is still allowed could arrive past it",
    ],
    [
      "a password in the address",
      swap("https://", "https://me:hunter2@"),
      "service.url: holds a user name or password",
    ],
    ["a query in the address", swap("/v1", "/v1?a=b"), "service.url: has a part behind ? or #"],
    ["an address of another kind", swap("https:", "ftp:"), "service.url: is no web address"],
    [
      "a webhook in the clear",
      `${whole}webhooks: [{ name: pay, url: "http://pay.example" }]\n`,
      "webhooks[0].url: is not https: who came and went when would travel in the clear",
    ],
    [
      "two webhooks of one name",
      `${whole}webhooks: [{ name: pay, url: "https://a" }, { name: pay, url: "https://b" }]\n`,
      "webhooks[1].name: is the name of webhooks[0] too: they would share one place",
    ],
    [
      "a key of another section",
      `${whole}  doubleScan: 60 s\n`,
      "service.doubleScan: is not a key here; it belongs in intake",
    ],
    [
      "a key of another section, in other letters",
      whole.replace("    driver: rdm6300", "    baudrate: 9600\n    driver: serial-line"),
      "readers[0].baudrate: is not a key here; it belongs in readers[].line, written baudRate",
    ],
    [
      "a secret in the file",
      `${whole}  password: hunter2\n`,
      "service.password: is not a key: no secret stands in this file",
    ],
  ])("%s", (_name, text, expected) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
    expect(problems[0]).not.toContain("hunter2");
  });

  test.each(["http://127.0.0.1:8480/x", "http://localhost/x", "http://[::1]:1/x"])(
    "%s stays on this box and may go without TLS",
    (url) => {
      expect(problemsOf(swap("https://service.example/v1", url))).toEqual([]);
    },
  );

  test("a place said twice is told beside what is wrong in it", () => {
    const place =
      "{ coordinates: { latitude: north, longitude: 3.7174 }, address: { municipality: Gent, street: Kaai, houseNumber: 1 } }";
    expect(problemsOf(swap("{ coordinates: { latitude: 51.0543, longitude: 3.7174 } }", place))).toEqual([
      expect.stringContaining("4:10: site.place: give exactly one of coordinates and address"),
      expect.stringContaining("site.place.coordinates.latitude: "),
      expect.stringContaining("site.place.address.postCode: is missing"),
    ]);
  });

  test("http to a name that only looks like loopback is refused", () => {
    expect(problemsOf(swap("https://service.example", "http://127.0.0.1.example"))).toHaveLength(1);
  });

  test("two paths to one device are one port", () => {
    const linked = { ...box, deviceOf: () => "/dev/ttyUSB7" };
    expect(problemsOf(site + roster + readers + scanner + service, linked)[0]).toContain(
      'readers[1].port: is the port of reader "gate" too, so whichever opens it first gets all badges; give each reader its own /dev/serial/by-id/… path',
    );
  });

  test.each([
    ["missing", "does not exist", "put the roster there, or correct the path"],
    [
      "unreadable",
      "may not be read by this user",
      "let the user that badged runs as read it (chgrp badged and chmod 640 the file), and run this as that user",
    ],
    ["no-file", "is no file", "put the roster there, or correct the path"],
  ] as const)("a roster that is %s", (state, words, advice) => {
    expect(problemsOf(whole, { ...box, fileState: () => state })).toEqual([
      `site.yaml:5:17: roster.file: "/etc/badged/roster.csv" ${words}: without it badged would know no badge and register nobody, so it does not start; ${advice}`,
    ]);
  });

  test("a disk that does not give a file is no mistake of the configuration, unless there is one as well", () => {
    const sick: Surroundings = {
      ...box,
      fileState: () => "disk-failed",
      secretFault: () => ({ kind: "disk-failed", message: "cannot be read from its disk", advice: "look at it" }),
    };
    const text = `${whole}  tokenFile: token\nevidence: { authority: { url: http://tsa.example/tsr, ca: tsa.pem } }\n`;
    const code = (written: string): unknown => parseConfiguration(written, "site.yaml", sick);
    expect(code(text)).toMatchObject({ code: "disk-failed", problems: { length: 3 } });
    expect(code(`${text}colour: red\n`)).toMatchObject({ code: "configuration-invalid", problems: { length: 4 } });
  });

  test("an unsafe secret is told without its path, for people paste the token itself there", () => {
    const unsafe: Surroundings = {
      ...box,
      secretFault: () => ({ kind: "unsafe", message: "may be read by all", advice: "chmod 600 it" }),
    };
    expect(problemsOf(`${whole}  tokenFile: eyJhbGciOi\n`, unsafe)).toEqual([
      "site.yaml:12:14: service.tokenFile: the file it names may be read by all, so badged would not start; chmod 600 it",
    ]);
  });
});

describe("evidence", () => {
  const whole = site + roster + readers + service;
  const witness = "contractor+0123abcd+BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  const evidence = `evidence:
  shiftEdges: ["07:00", "16:30"]
  authority: { url: http://tsa.example/tsr, ca: tsa.pem }
  witnesses: [{ url: http://contractor.example:8490/, key: ${witness} }]
`;

  test("an authority and a witness may be asked over http: what they answer is signed", () => {
    expect(configured(whole + evidence).evidence).toEqual({
      keyFile: null,
      shiftEdges: ["07:00", "16:30"],
      authority: { url: "http://tsa.example/tsr", policy: null, ca: "/etc/badged/tsa.pem" },
      witnesses: [{ url: "http://contractor.example:8490", key: witness }],
    });
  });

  test("without the authority's certificates no token could be checked", () => {
    const missing: Surroundings = {
      ...box,
      fileState: (path) => (path.endsWith("tsa.pem") ? "missing" : "readable"),
    };
    expect(problemsOf(whole + evidence, missing)).toEqual([
      'site.yaml:14:49: evidence.authority.ca: "/etc/badged/tsa.pem" does not exist: no token could be checked, so none would be kept and the time of no outage be proven; put the authority\'s certificates there, or correct the path',
    ]);
  });

  test("an unsafe key keeps badged from starting, and its path is not repeated", () => {
    const unsafe: Surroundings = {
      ...box,
      secretFault: () => ({ kind: "unsafe", message: "may be read by all", advice: "chmod 600 it" }),
    };
    expect(problemsOf(`${whole}evidence: { keyFile: key.pem }\n`, unsafe)).toEqual([
      "site.yaml:12:22: evidence.keyFile: the file it names may be read by all, so badged would not start; chmod 600 it",
    ]);
  });

  test("a witness named twice, an edge that is no time and a key that is none are told", () => {
    const twice = `evidence: { witnesses: [{ url: http://a.example, key: ${witness} }, { url: http://b.example, key: ${witness} }] }\n`;
    expect(problemsOf(whole + twice)[0]).toContain(
      "is the key of evidence.witnesses[0] too: one witness would be asked twice",
    );
    expect(problemsOf(`${whole}evidence: { shiftEdges: ["24:00"] }\n`)[0]).toContain("a time of day, such as 07:00");
    expect(problemsOf(whole + twice.replaceAll(witness, "contractor"))).toHaveLength(2);
  });
});

describe("text that is not the YAML of a configuration", () => {
  test.each([
    ["", "1:1: is empty"],
    ["# nothing yet\n", "1:1: is empty"],
    ["word", "1:1: is no configuration; expected a section with the keys site, store"],
    ["badge,ssin\n0A,93051822361\n", "1:1: is no configuration; expected a section with the keys site, store"],
    ["- 1", "1:1: is a list; expected a section"],
    [
      "site:\n\tname: x\n",
      "2:1: cannot be read as YAML: Tabs are not allowed as indentation; indent with spaces, never with tabs",
    ],
    ["site:\n  name: Werf: Zuid\n", "or quote the value, where it is one that holds a colon and a space"],
    ["site:\n  name: Caf\ufffd\n", "2:12: has characters that are no UTF-8; save it as UTF-8"],
    ["s\0i\0t\0e\0:\0", "1:2: has characters that are no UTF-8"],
    ['site:\n  name: "\\q"\n', "2:10: cannot be read as YAML: Invalid escape sequence \\q; in double quotes"],
    ["a: 1\n---\nb: 2\n", "2:1: cannot be read as YAML: more than one document"],
  ])("%j: %s", (text, expected) => {
    expect(problemsOf(text).join("\n")).toContain(expected);
  });

  // A roster whose first line holds a colon and a space is a section to YAML.
  test.each([
    "0A,Janssens: ploeg 1,93051822361\n0B,Peeters: ploeg 2,93051822361\n",
    '"93051822361": Janssens\n"93051822361": Janssens\n',
    "93051822361: Janssens\nJanssens: 93051822361\n",
    "%93051822361 Janssens: x\n",
    "!93051822361 Janssens: x\n",
  ])("of another file, as %j, nothing is repeated", (text) => {
    const told = problemsOf(text).join("\n");
    expect(told).toMatch(/^site\.yaml:\d+:\d+: (is no configuration|cannot be read as YAML)/);
    expect(told).not.toMatch(/93051822361|Janssens|Peeters/);
  });

  test("a tab is told, and not what follows from it", () => {
    expect(problemsOf("site:\n\tname: x\n  timeZone: Europe/Brussels\nlog:\n\tlevel: info\n")).toEqual([
      expect.stringContaining("2:1: cannot be read as YAML: Tabs"),
      expect.stringContaining("5:1: cannot be read as YAML: Tabs"),
    ]);
  });

  test("brackets without end neither overflow the stack nor give a problem each", () => {
    const problems = problemsOf("[".repeat(configurationMaxChars));
    expect(problems.length).toBeLessThan(5);
    expect(problems.join()).toContain("is nested deeper than 32 levels");
  });

  test("before the place that is no YAML everything is told; behind it nothing is guessed, nothing called missing", () => {
    const text = 'log:\n  lvel: info\n  level: inf\nsite:\n  name: "x\nroster: 3\n';
    expect(problemsOf(text).map((line) => line.split(": ")[1])).toEqual([
      "log.lvel",
      "log.level",
      "cannot be read as YAML",
    ]);
  });

  test("an alias hides what it stands for, so it is refused and not followed", () => {
    const text = `${site.replace("name: Werf", "name: &n Werf")}${roster}${readers}${service}log: { level: *n }\n`;
    expect(problemsOf(text)).toEqual([expect.stringContaining("log.level: is an alias (*)")]);
  });

  test("a tag is refused", () => {
    expect(problemsOf(`${site.replace("Werf", "!file Werf")}${roster}${readers}${service}`)).toEqual([
      expect.stringContaining("2:9: cannot be read as YAML: Unresolved tag: !file"),
    ]);
  });

  test("names of a JavaScript object's own are keys like any other", () => {
    const problems = problemsOf(`${site}${roster}${readers}${service}__proto__: { a: 1 }\nconstructor: 2\n`);
    expect(problems.map((line) => line.split(": ")[1])).toEqual(["__proto__", "constructor"]);
  });

  test("a byte order mark and Windows line ends are read over", () => {
    configured(`\ufeff${(site + roster + readers + service).replaceAll("\n", "\r\n")}`);
  });

  test("what a terminal would obey is not shown as it is", () => {
    expect(problemsOf(`${site}${roster}${readers}${service}"\\e[31m": 1\n`)[0]).toContain(String.raw`["\u001b[31m"]`);
  });
});

test("a file at the size limit is read, one character more is refused", () => {
  const whole = site + roster + readers + service;
  const padded = `${whole}#${" ".repeat(configurationMaxChars - whole.length - 1)}`;
  configured(padded);
  expect(problemsOf(`${padded} `)).toEqual([
    expect.stringContaining(`has more than ${configurationMaxChars} characters`),
  ]);
});

test("past the limit of problems only their number is told", () => {
  const unknown = Array.from({ length: problemsMax + 5 }, (_, index) => `qqqqqqqqq${index}: 1\n`).join("");
  const problems = problemsOf(unknown + site + roster + readers + service);
  expect(problems).toHaveLength(problemsMax + 1);
  expect(problems.at(-1)).toContain("has 5 more problems");
});

describe("from the disk", () => {
  const folder = mkdtempSync(join(tmpdir(), "badged-config-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "site.yaml");
  const token = join(folder, "token");

  test("a file that is not there is a problem like any other", () => {
    const loaded = loadConfiguration(join(folder, "nowhere.yaml"));
    expect(loaded).toMatchObject({ ok: false, problems: [{ line: 1, col: 1, path: "" }] });
    expect(loadConfiguration(folder)).toMatchObject({ ok: false });
  });

  test("roster and token are looked for beside the file, and a token that all may read is refused", () => {
    writeFileSync(file, `${site}${roster}${readers}${service}  tokenFile: token\n`);
    writeFileSync(join(folder, "roster.csv"), "badge,ssin,employer\n");
    writeFileSync(token, "abc\n");
    chmodSync(token, 0o644);
    expect(loadConfiguration(file)).toMatchObject({
      ok: false,
      problems: [
        { line: 12, path: "service.tokenFile", message: expect.stringContaining("may be read by every user") },
      ],
    });
    chmodSync(token, 0o600);
    expect(loadConfiguration(file)).toMatchObject({
      ok: true,
      configuration: { service: { tokenFile: token }, roster: { file: join(folder, "roster.csv") } },
    });
  });
});
