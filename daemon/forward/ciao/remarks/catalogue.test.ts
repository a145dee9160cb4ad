import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { languages } from "../../../base/language.ts";
import { remarkEntry, remarkWords } from "./catalogue.ts";
import { handlingOf, isRemarkNumber, remarkNumbers } from "./numbers.ts";
import { officialRemarks } from "./official.ts";

/** The table of the procedure document as it was published, hard line breaks and all. */
const published = readFileSync("daemon/testing/procedures/remarks-nl.txt", "utf8");

/** Sentences on one line; a line that breaks behind a hyphen goes on without a space. */
function joined(text: string): string {
  return text.replace(/-\s+/g, "-").replace(/\s+/g, " ").trim();
}

/** Employers' remarks stand together in the document, 16 behind 5, 17 behind 12, 15 behind 17. */
const asPublished = [
  1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 17, 15, 21, 22, 24, 25, 32, 33, 34, 35, 36, 37, 38,
] as const;

test("the catalogue is the published table, word for word, with nothing left out or added", () => {
  expect([...asPublished].sort((one, other) => one - other)).toEqual([...remarkNumbers]);
  const ours = asPublished.map((number) => {
    const { remark, cause, action } = officialRemarks[number];
    return `${number}. ${remark} ${cause} ${action}`;
  });
  const heading =
    "Tabel met opmerkingen, oorzaken en acties Opmerking in de onlinedienst Oorzaak van de opmerking Te ondernemen actie";
  expect([heading, ...ours].join(" ")).toBe(joined(published));
});

test("the web form is for the remarks whose published action names it, and no other", () => {
  for (const number of remarkNumbers) {
    const named = officialRemarks[number].action.includes("webformulier");
    expect([number, handlingOf[number].webForm]).toEqual([number, named]);
  }
  expect(remarkNumbers.filter((number) => handlingOf[number].webForm)).toEqual([1, 2, 6, 7, 8, 9, 10, 11, 12, 17]);
});

test("nobody acts where the published action asks for none", () => {
  for (const number of remarkNumbers) {
    const asksNothing = /^(U hoeft geen actie|In dit geval is er geen)/.test(officialRemarks[number].action);
    expect([number, handlingOf[number].who === "nobody"]).toEqual([number, asksNothing]);
  }
});

describe.each(languages)("in %s", (language) => {
  test("every remark has a plain text of its own", () => {
    const texts = remarkNumbers.map((number) => remarkEntry(number, "", language).plain);
    for (const text of texts) expect(text).toMatch(/^\p{Lu}.{20,250}[.]$/u);
    expect(new Set(texts).size).toBe(remarkNumbers.length);
  });

  test("everyone who may have to act has a name", () => {
    const names = Object.values(remarkWords[language].who);
    expect(new Set(names).size).toBe(4);
  });
});

test("a remark that the document does not know is shown in the service's own words, for the employer to look at", () => {
  expect(isRemarkNumber(13)).toBe(false);
  expect(isRemarkNumber(null)).toBe(false);
  expect(remarkEntry(99, "iets nieuws", "nl")).toMatchObject({
    number: null,
    official: null,
    who: "employer",
    webForm: false,
    plain: "iets nieuws",
  });
  expect(remarkEntry(null, "", "fr").plain).toMatch(/./);
});
