import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fictionalSsin } from "../testing/fictional-worker.ts";
import { parseRoster, rosterMaxBadges } from "./roster-csv.ts";

const header = "badge,ssin,employer,foreign_vat,avw_number,reference,valid_from,valid_until";
const good = "010063E9AE,93051822361,0566988259,,1Y1003SQ5VSSZ,W1,2026-01-01,2026-12-31";
const csv = (...rows: string[]): string => [header, ...rows, ""].join("\n");

test("a full row", () => {
  const { entries, problems } = parseRoster(csv(good), "hex");
  expect(problems).toEqual([]);
  expect(entries).toEqual([
    {
      badge: "010063E9AE",
      ssin: "93051822361",
      employer: { kind: "enterprise-number", number: "0566988259" },
      declarationOfWorks: "1Y1003SQ5VSSZ",
      reference: "W1",
      validFrom: "2026-01-01",
      validUntil: "2026-12-31",
    },
  ]);
});

test("what a Belgian spreadsheet writes is read: BOM, semicolons, CR LF, punctuation, day first", () => {
  const text = "\ufeffbadge;ssin;employer;valid_from\r\n01:00:63:e9:ae;97.44.09-363.63;BE 0566.988.259;31/01/2026\r\n";
  const { entries, problems } = parseRoster(text, "hex");
  expect(problems).toEqual([]);
  expect(entries[0]).toMatchObject({
    badge: "010063E9AE",
    ssin: "97440936363",
    employer: { number: "0566988259" },
    validFrom: "2026-01-31",
    validUntil: null,
    reference: null,
  });
});

test.each([
  ["5/01/2026", "2026-01-05"],
  ["5/1/2026", "2026-01-05"],
  ["05-01-2026", "2026-01-05"],
  ["31.12.2026", "2026-12-31"],
  ["2026-01-05", "2026-01-05"],
])("a date that a Belgian spreadsheet writes, %s, is %s: the day comes first", (written, date) => {
  const { entries, problems } = parseRoster(csv(good.replace("2026-12-31", "").replace("2026-01-01", written)), "hex");
  expect(problems).toEqual([]);
  expect(entries[0]?.validFrom).toBe(date);
});

test.each(["05/01/26", "26-01-05", "12/31/2026", "31/02/2026", "31/01-2026", "2026/01/31", "0/1/2026"])(
  "%s is no date",
  (written) => {
    const { problems } = parseRoster(csv(good.replace("2026-01-01", written)), "hex");
    expect(problems).toMatchObject([{ line: 2, column: "valid_from" }]);
  },
);

test("a foreign employer is named by VAT number", () => {
  const { entries } = parseRoster(csv("010063E9AE,53480200724,,PL 526-025-09-95,,,,"), "hex");
  expect(entries[0]?.employer).toEqual({ kind: "foreign-vat", number: "PL5260250995" });
});

describe("each mistake is told with line and column", () => {
  test.each([
    ["badge", "010063E9A,93051822361,0566988259,,,,,"],
    ["badge", "08A1B2C3,93051822361,0566988259,,,,,"],
    ["ssin", "010063E9AE,93051822362,0566988259,,,,,"],
    ["employer", "010063E9AE,93051822361,0566988258,,,,,"],
    ["employer", "010063E9AE,93051822361,,,,,,"],
    ["employer", "010063E9AE,93051822361,0566988259,PL5260250995,,,,"],
    ["foreign_vat", "010063E9AE,93051822361,,5260250995,,,,"],
    ["avw_number", "010063E9AE,93051822361,0566988259,,1I1003SQ5VSSZ,,,"],
    ["reference", "010063E9AE,93051822361,0566988259,,,93.05.18-223.61,,"],
    ["reference", "010063E9AE,93051822361,0566988259,,,Jan 93.05.18-223.61,,"],
    ["reference", "010063E9AE,93051822361,0566988259,,,W93051822361,,"],
    ["reference", `010063E9AE,93051822361,0566988259,,,${"W".repeat(101)},,`],
    ["reference", "010063E9AE,93051822361,0566988259,,,W\x1b[2J,,"],
    ["reference", "010063E9AE,93051822361,0566988259,,,\u202e1W,,"],
    ["valid_from", "010063E9AE,93051822361,0566988259,,,,2026-02-29,"],
    ["valid_until", "010063E9AE,93051822361,0566988259,,,,2026-02-01,2026-01-31"],
  ])("%s", (column, row) => {
    const { entries, problems } = parseRoster(csv(good.replace("010063E9AE", "AA0063E9AE"), row), "hex");
    expect(problems).toEqual([{ line: 3, column, message: expect.any(String) }]);
    expect(entries).toHaveLength(1);
  });

  test.each([
    ["text", "93051822361", "93051822361"],
    ["text", "93.05.18-223.61", "93051822361"],
    ["decimal", "05010100113", "05010100113"],
  ] as const)("a badge in %s that is its worker's national number, %s", (form, badge, ssin) => {
    const { problems } = parseRoster(csv(`${badge},${ssin},0566988259,,,,,`), form);
    expect(problems).toEqual([{ line: 2, column: "badge", message: expect.any(String) }]);
  });

  test("several mistakes in several rows come in one pass", () => {
    const { problems } = parseRoster(csv("x,1,2,,,,,", good, "010063E9AE,93051822361,0566988259,,,,,"), "hex");
    expect(problems.map(({ line, column }) => `${line}:${column}`)).toEqual([
      "2:badge",
      "2:ssin",
      "2:employer",
      "4:badge",
    ]);
  });

  test("a badge that is there twice is told in the same pass as the other mistake of its row", () => {
    const wrong = good.replace("0566988259", "1");
    const { problems } = parseRoster(csv(wrong, wrong, good), "hex");
    expect(problems.map(({ line, column }) => `${line}:${column}`)).toEqual([
      "2:employer",
      "3:employer",
      "3:badge",
      "4:badge",
    ]);
  });

  test("a number whose zeros a spreadsheet left out is told as that", () => {
    const zeroed = fictionalSsin(998 * 28 * 3);
    expect(zeroed).toMatch(/^03/);
    const { problems } = parseRoster(csv(good.replace("93051822361", zeroed.slice(1))), "hex");
    expect(problems).toEqual([{ line: 2, column: "ssin", message: expect.stringContaining("in a column of text") }]);
  });

  test.each([
    ["10063E9AE", "hex", /zeros in front.*in a column of text/],
    ["4,30152E+09", "hex", /shortened.*in a column of text/],
    ["4.30152E+09", "decimal", /shortened.*in a column of text/],
    ["0:63:E9:GG", "hex", /^is not of the form hex, such as 010063E9AE,/],
    ["4301515182x", "decimal", /^is not of the form decimal, such as 4301515182,/],
  ] as const)("a badge %s, where %s is expected, is told with what to write", (badge, form, message) => {
    const { problems } = parseRoster(csv(good.replace("010063E9AE", `"${badge}"`)), form);
    expect(problems).toEqual([{ line: 2, column: "badge", message: expect.stringMatching(message) }]);
  });

  test("a national number that a spreadsheet shortened is told as that", () => {
    const { problems } = parseRoster(csv(good.replace("93051822361", '"9,30518E+10"')), "hex");
    expect(problems).toEqual([{ line: 2, column: "ssin", message: expect.stringMatching(/shortened/) }]);
  });

  test("no message quotes a national number", () => {
    const { problems } = parseRoster(csv("zz,93051822362,93051822362,93051822362,93051822362,,93051822362,"), "hex");
    expect(problems.length).toBeGreaterThan(3);
    expect(JSON.stringify(problems)).not.toContain("93051822362");
  });
});

test.each([
  ["badge,ssin,employeer\n", "employeer"],
  ["badge,employer\n", "ssin"],
  ["badge,ssin\n", "employer"],
  ["", "badge"],
])("header %j: %s is named", (text, column) => {
  expect(parseRoster(text, "hex").problems.map((problem) => problem.column)).toContain(column);
});

test("one badge over the limit is told, not cut off in silence", () => {
  const rows = Array.from({ length: rosterMaxBadges + 1 }, (_, index) => `${index + 1},93051822361,0566988259,,,,,`);
  const { problems } = parseRoster(csv(...rows), "decimal");
  expect(problems).toHaveLength(1);
  expect(problems[0]?.message).toContain(String(rosterMaxBadges));
});

test("what stands behind one badge over the limit is not read, and takes no memory", () => {
  const rows = Array.from({ length: rosterMaxBadges + 1 }, (_, index) => `${index + 1},93051822361,0566988259,,,,,`);
  const { problems } = parseRoster(csv(...rows, '"never closed', "1"), "decimal");
  expect(problems).toMatchObject([{ line: 1, message: expect.stringContaining(`more than ${rosterMaxBadges}`) }]);
});

test("the fingerprint changes with the file and with the form it is read in", () => {
  const prints = [parseRoster(csv(good), "hex"), parseRoster(csv(good), "text"), parseRoster(csv(), "hex")].map(
    (roster) => roster.fingerprint,
  );
  expect(new Set(prints).size).toBe(3);
});

test("no text whatever throws", () => {
  fc.assert(
    fc.property(fc.string(), fc.boolean(), (text, withHeader) => {
      expect(() => parseRoster(withHeader ? csv(text) : text, "hex")).not.toThrow();
    }),
  );
});

describe("how a worker works", () => {
  const kinds = (...rows: string[]) =>
    parseRoster(["badge,ssin,employer,foreign_vat,kind,limosa", ...rows].join("\n"), "hex");

  test("employees, self-employed, temporary and posted workers have their place in one roster", () => {
    const { entries, problems } = kinds(
      "010063E9AE,93051822361,0566988259,,,",
      "010063E9AF,97440936363,1009237290,,self-employed,",
      "010063E9B0,85011512355,0566988259,,Temporary,",
      "010063E9B1,53480200724,,PL5260250995,posted,L-2026/0017",
      "010063E9B2,90010100123,0566988259,,employee,",
    );
    expect(problems).toEqual([]);
    expect(entries.map(({ kind, limosa }) => [kind, limosa])).toEqual([
      [undefined, undefined],
      ["self-employed", undefined],
      ["temporary", undefined],
      ["posted", "L-2026/0017"],
      [undefined, undefined],
    ]);
  });

  test.each([
    ["010063E9AE,93051822361,0566988259,,intern,", "kind", "is none of self-employed, temporary, posted"],
    ["010063E9AE,93051822361,0566988259,,,L-1", "limosa", "belongs to a posted worker"],
    [`010063E9AE,53480200724,,PL5260250995,posted,${"L".repeat(51)}`, "limosa", "at most 50 characters"],
  ])("%s", (row, column, words) => {
    expect(kinds(row).problems).toEqual([{ line: 2, column, message: expect.stringContaining(words) }]);
  });
});

describe("a file that was cut off or is in another encoding", () => {
  test.each([
    ["badge,ssin,employer", "its header alone"],
    ["badge,ssin,employer\r\n\r\n", "its header and empty lines"],
  ])("names no badge (%j, %s), and takes nobody out of the roster", (text) => {
    expect(parseRoster(text, "hex")).toMatchObject({
      entries: [],
      problems: [{ line: 1, column: "badge", message: expect.stringContaining("no badge is named") }],
    });
  });

  test("that a spreadsheet wrote as UTF-16 is told in one line, and shows nothing of it", () => {
    const text = Buffer.from("\ufeffbadge;ssin;employer\r\n010063E9AE;93051822361;0566988259\r\n", "utf16le").toString(
      "utf8",
    );
    const { problems } = parseRoster(text, "hex");
    expect(problems).toEqual([
      { line: 1, column: "", message: expect.stringMatching(/^is not UTF-8.*save it as CSV UTF-8$/) },
    ]);
  });

  test("a workbook in the place of the CSV is told as one, and not as a CSV of another encoding", () => {
    const text = Buffer.from("504b03041400000008000000210062ee9d68", "hex").toString("utf8");
    const { problems } = parseRoster(text, "hex");
    expect(problems).toEqual([
      { line: 1, column: "", message: expect.stringMatching(/workbook.*save it as CSV UTF-8$/) },
    ]);
  });
});

describe("what spreadsheets and people leave in a file", () => {
  const head = "badge;ssin;employer;reference";
  const first = "010063E9AE;93051822361;0566988259;W1";
  const second = "0C000621A5;97440936363;0566988259;W2";
  const told = (text: string): readonly string[] =>
    parseRoster(text, "hex").problems.map(({ line, column, message }) => `${line}:${column}: ${message}`);

  test.each([
    ["rows that end in LF in a file of CR LF", `${head}\r\n${first}\n${second}\r\n`],
    ["rows that end in CR", `${head}\r${first}\r${second}`],
    ["rows of nothing but separators", `${head}\r\n${first}\r\n;;;\r\n${second}\r\n;;;\r\n`],
    ["a line that names the separator", `sep=;\r\n${head}\r\n${first}\r\n${second}\r\n`],
    [
      "tabs, also around nothing",
      `${head};limosa\n${first};\n${second};\n`
        .replaceAll(";0566988259;", ";;0566988259;")
        .replace("ssin;", "ssin;avw_number;")
        .replaceAll(";", "\t"),
    ],
    ["blank lines before the header", `\n\n${head}\n${first}\n\n${second}\n`],
    ["separators behind the last column", `${head};;\n${first};;\n${second}\n`],
  ])("%s take nobody out", (_what, text) => {
    const { entries, problems } = parseRoster(text, "hex");
    expect(problems).toEqual([]);
    expect(entries.map(({ reference }) => reference)).toEqual(["W1", "W2"]);
  });

  test.each([
    ["ditto marks", `${head}\n${first.replace("W1", '"')}\n${second.replace("W2", '"')}\n`, "2:: goes on over the end"],
    [
      "a quotation mark that is never closed",
      `${head}\r\n${first.replace("W1", '"W1')}\r\n${second}\r\n`,
      "2:: has a quot",
    ],
    ["a quotation mark inside", `${head}\n\n${first.replace("W1", 'W"1')}\n${second}\n`, "3:: has a quot"],
    ["more cells than columns", `sep=;\n${head}\n${first};W3\n${second}\n`, "3:: has more cells"],
    ["a column twice", `${head};badge\n${first}\n`, "1:badge: is there twice"],
    ["a header with a mistake", `${head};datum\n${first}\n`, "1:datum: is no column"],
    [
      "ISO 8859-1",
      Buffer.from(`${head}\n${first.replace("W1", "Jérôme")}\n`, "latin1").toString("utf8"),
      "2:: has characters",
    ],
    ["no header", `${first}\n${second}\n`, "1:: is no header"],
    ["a value in the header", `${head};93051822361\n${first}\n`, "1:column 5: is no column"],
  ])("%s is told with its line, and without a national number", (_what, text, words) => {
    const problems = told(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(words);
    expect(problems[0]).not.toMatch(/\d{11}/);
  });

  test("lines are counted as an editor counts them", () => {
    const text = `${head}\r\n\r\n${first}\r\n\r\n"0C000621A5";"1";"0566988259";"W2"\r\n`;
    expect(told(text)).toEqual([expect.stringContaining("5:ssin: ")]);
  });
});
