import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fictionalSsin } from "../testing/fictional-worker.ts";
import { keptText, keptTextMaxChars, keptTraceId, readTextMaxChars, scrubbed } from "./kept-text.ts";

test.each([
  ["93051822361", scrubbed],
  ["93.05.18-223.61", scrubbed],
  ["930518 223 61", scrubbed],
  ["93 05 18 - 223 61", scrubbed],
  ["930518\u00a022361", scrubbed],
  ["ssin 93051822361 is not known", `ssin ${scrubbed} is not known`],
  ["items[0].ssin=93051822361x", `items[0].ssin=${scrubbed}x`],
  ["93\u201005\u201118\u2212223\u201461", scrubbed],
  ["93:05:18, 223'61", scrubbed],
  ["93) 05 | 18 (223) 61", scrubbed],
  ["?ssin=93.05.18%2D223.61&x", `?ssin=${scrubbed}&x`],
  ["93.05.18&#45;223&ndash;61", scrubbed],
  ["930518\\u002D22361", scrubbed],
  ["since 2026-01-31 07:02:11.250", "since 2026-01-31 07:02:11.250"],
  ["at 2026-01-31T07:02:11.250+01:00", "at 2026-01-31T07:02:11.250+01:00"],
  ["at 2026-01-31T07:02:11.250000Z", "at 2026-01-31T07:02:11.250000Z"],
  ["at 2026-01-31 07:02:11+01:00", "at 2026-01-31 07:02:11+01:00"],
  ["op 31/01/2026 07:02:11", "op 31/01/2026 07:02:11"],
  ["2026-01-31 07:02, 93051822361", scrubbed],
  ["93:05:18.223610", scrubbed],
  ["00:02:11.22361", scrubbed],
  ["0566988259", "0566988259"],
  ["2026-01-31T07:02:11Z", "2026-01-31T07:02:11Z"],
  ["status 503 after 30000 ms", "status 503 after 30000 ms"],
  ["93.10.18.223:96", scrubbed],
  ["60.121.101.133", scrubbed],
  ["connect ECONNREFUSED 60.121.101.133:443", `connect ECONNREFUSED ${scrubbed}`],
  ["connect ECONNREFUSED 93.10.18.223:96", `connect ECONNREFUSED ${scrubbed}`],
  ["connect ECONNREFUSED 127.0.0.1:48123, 93051822361", `connect ECONNREFUSED ${scrubbed}`],
  ["connect ECONNREFUSED 127.0.0.1:481234", `connect ECONNREFUSED ${scrubbed}`],
  ["connect ECONNREFUSED 93.05.18.223:61", `connect ECONNREFUSED ${scrubbed}`],
  ["connect ECONNREFUSED 9305:1822:361::1:443", `connect ECONNREFUSED ${scrubbed}`],
  ["connect ETIMEDOUT 64:ff9b::9305:1822:361:443", `connect ETIMEDOUT 64:ff9b::${scrubbed}`],
  ["connect ECONNREFUSED 1.93.10.18:22396", `connect ECONNREFUSED ${scrubbed}`],
  [
    "attempted addresses: 192.0.2.1:443, fe80::9305:1822:361:80, timeout: 10000ms)",
    `attempted addresses: 192.0.2.1:443, fe${scrubbed}, timeout: 10000ms)`,
  ],
  ["refused for 127.0.0.1:48123", `refused for ${scrubbed}`],
])("%j is kept as %j", (text, kept) => {
  expect(keptText(text)).toBe(kept);
});

test.each([
  "connect ECONNREFUSED 127.0.0.1:48123",
  "connect ECONNREFUSED ::1:48123; connect ECONNREFUSED 127.0.0.1:48123",
  "connect EHOSTUNREACH 192.168.100.200:8443 - Local (192.168.100.117:54321)",
  "connect ENETUNREACH 2001:1810:1234:5678::12:443 - Local (:::0)",
  "connect ETIMEDOUT 2001:1810:abcd:1234:5678:9012:3456:12:443",
  "Connect Timeout Error (attempted address: 192.168.100.200:8443, timeout: 10000ms)",
  "Connect Timeout Error (attempted addresses: 2001:db8::1:443, 192.0.2.100:443, 2001:db8::2:443, 192.0.2.101:443, timeout: 10000ms)",
])("the address of a call that did not get there is left: %s", (text) => {
  expect(keptText(text)).toBe(text);
});

test("a national number that has the form of an address is none, where an address stands", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2_000_000 }), fc.integer({ min: 1, max: 3 }), (worker, first) => {
      const ssin = fictionalSsin(worker);
      const groups = [ssin.slice(0, 2), ssin.slice(2, 2 + first), ssin.slice(2 + first, 6), ssin.slice(6, 9)];
      for (const written of [`${groups.join(".")}:${ssin.slice(9)}`, `${groups.join(".")}${ssin.slice(9)}:443`]) {
        expect(keptText(`connect ECONNREFUSED ${written}`)).toBe(`connect ECONNREFUSED ${scrubbed}`);
      }
    }),
  );
});

test("an address that stands behind what is kept is removed as any number", () => {
  const address = "connect ECONNREFUSED 127.0.0.1:48123";
  const far = (begin: number): string => `${"7".repeat(300)} ${"w".repeat(begin - 301)}`;
  const kept = (text: string): string => keptText(text.replaceAll("w", "w "));
  expect(kept(`${far(320)}; ${address}`)).toMatch(/127\.0\.0\.1:48123$/);
  expect(kept(`${far(390)}; ${address}`)).toMatch(/ECONNREFUSED \[number removed\]$/);
});

test("no eleven digits in a row of an address that is left are a national number", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2_000_000 }), (worker) => {
      const ssin = fictionalSsin(worker);
      const [a, b, c, d] = [ssin.slice(0, 2), ssin.slice(2, 4), ssin.slice(4, 6), ssin.slice(6)];
      const groups = [ssin.slice(0, 4), ssin.slice(4, 8), ssin.slice(8)].join(":");
      for (const address of [
        `1.${a}.${b}.${c}:${d}`,
        `${groups}::1:443`,
        `1:2::${groups}:443`,
        `fe80::${groups}:1:80`,
      ]) {
        expect(keptText(`connect ECONNREFUSED ${address}`).replace(/[.:]/g, "")).not.toContain(ssin);
      }
    }),
  );
});

test("no national number survives, whatever stands around it and however it is punctuated", () => {
  const separator = fc.constantFrom("", ".", "-", " ", "/", "_", " - ", "\u00a0", "\n", "\u2011", ": ", "%2D", "&#45;");
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2_000_000 }),
      fc.array(separator, { minLength: 10, maxLength: 10 }),
      fc.string({ maxLength: 500 }),
      fc.string(),
      (worker, separators, before, after) => {
        const ssin = fictionalSsin(worker);
        const written = [...ssin].map((digit, index) => `${digit}${separators[index] ?? ""}`).join("");
        const kept = keptText(`${before}${written}${after}`);
        expect(kept.replace(/%2D|&#45;|\D/g, "")).not.toContain(ssin);
        expect(kept.length).toBeLessThanOrEqual(keptTextMaxChars);
      },
    ),
  );
});

test("words alone are kept on one line as they are, blanks between them as one", () => {
  const letters = fc.string({ unit: fc.constantFrom(..."aZ-'.é ", "\t", "\u00a0"), maxLength: 40 });
  fc.assert(
    fc.property(letters, (text) => {
      expect(keptText(text)).toBe(
        text
          .split(/[\t\u00a0 ]+/)
          .filter(Boolean)
          .join(" "),
      );
    }),
  );
});

test("a text is cut at its limit and not before", () => {
  const words = "ab,c".repeat(keptTextMaxChars / 4);
  expect(keptText(words)).toBe(words);
  expect(keptText(`${words}d`)).toBe(`${words.slice(0, -1)}…`);
});

describe("a text longer than is looked at", () => {
  const megabytes = 4 * 1024 * 1024;

  test.each([
    ["digits", "7"],
    ["digits with blanks between", "7 "],
    ["moments", "2026-01-31 07:02:11, "],
    ["blanks", "\u00a0\n"],
    ["one word", "word"],
    ["half written characters", "7&ndash"],
  ])("of %s is cut", (_, part) => {
    expect(keptText(`refused: ${part.repeat(megabytes / part.length)}`)).toMatch(/^refused:.{0,30}…$/);
  });

  test("is no such text at the limit", () => {
    const end = " end.";
    const blanks = readTextMaxChars - end.length;
    expect(keptText(`${" ".repeat(blanks)}${end}`)).toBe("end.");
    expect(keptText(`${" ".repeat(blanks + 1)}${end}`)).toBe("…");
  });

  test("tells nothing of a national number wherever in it the cut is, however it is punctuated", () => {
    const separator = fc.constantFrom("", ".", "-", " ", "\u00a0", " - ", "%2D", "&#45;", "&ndash;", "\\u002D", "\n\n");
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2_000_000 }),
        fc.array(separator, { minLength: 10, maxLength: 10 }),
        fc.integer({ min: -80, max: 5 }),
        (worker, separators, place) => {
          const written = [...fictionalSsin(worker)]
            .map((digit, index) => `${digit}${separators[index] ?? ""}`)
            .join("");
          const before = `no: ${" ".repeat(readTextMaxChars - "no: ".length + place)}`;
          expect(keptText(`${before}${written} and ${"more ".repeat(100)}`)).toMatch(
            /^no:( \[number removed\])?[ andmore]*…$/,
          );
        },
      ),
    );
  });
});

test("lines and control characters do not reach a log or a terminal", () => {
  expect(keptText("a\r\nb\u001b[31mc\u0000")).toBe("a b [31mc");
});

test("a trace id is kept whole when it is a UUID, scrubbed when it is not, and nothing when it is no id", () => {
  expect(keptTraceId("5f9b2a40-1c7e-4c0b-9d58-093051822361")).toBe("5f9b2a40-1c7e-4c0b-9d58-093051822361");
  expect(keptTraceId("call-93051822361")).toBe(`call-${scrubbed}`);
  expect(keptTraceId("a b")).toBeNull();
  expect(keptTraceId(null)).toBeNull();
});

test("an answer of nothing but digits is read, in as many texts as it has room for", () => {
  // Of the longest that a call takes; the event loop, in which badges are stamped, waits for all of them.
  const texts = Array.from({ length: 1000 }, (_, index) => "7".repeat(readTextMaxChars - index));
  expect(new Set(texts.map(keptText))).toEqual(new Set([scrubbed]));
});

test("a run of digits with one letter in it is a part of a token wherever the letter stands", () => {
  for (const place of [0, 20, 50]) {
    const run = `${"1".repeat(place)}a${"1".repeat(50 - place)}`;
    expect(keptText(`no: ${run}.`)).toBe("no: [removed].");
  }
  expect(keptText(`no: ${"1".repeat(51)}.`)).toBe(`no: ${scrubbed}.`);
});

test("a run as long as a token's parts is removed, and a word of ordinary length is not", () => {
  const part = "eyJpc3MiOiJiYWRnZWQiLCJzdWIiOiJiYWRnZWQiLCJhdWQiOiJzZXJ2aWNlIn0";
  expect(keptText(`token ${part}.${part} is not valid`)).toBe("token [removed].[removed] is not valid");
  const words = "the client is unknown at https://services.example/REST/presenceRegistration/v1";
  expect(keptText(words)).toBe(words);
});
