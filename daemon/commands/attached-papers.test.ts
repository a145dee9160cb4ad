import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { fictionalSsin } from "../testing/fictional-worker.ts";
import { attachedPapers } from "./attached-papers.ts";

const directory = mkdtempSync(join(tmpdir(), "badged-papers-"));
afterAll(() => rmSync(directory, { recursive: true }));

const ssin = fictionalSsin(1);
const dotted = ssin.replace(/^(..)(..)(..)(...)(..)$/, "$1.$2.$3-$4.$5");
const letter = `Geachte,\nvoor de werknemer ${dotted} is er één storing geweest.\n`;

function toldOf(content: string | Buffer): readonly string[] {
  const file = join(directory, "ticket.txt");
  writeFileSync(file, content);
  const told: string[] = [];
  const terminal = { out: () => {}, err: (line: string) => void told.push(line), interactive: false };
  const [paper] = attachedPapers([file], terminal);
  expect(paper).toEqual({ name: "ticket.txt", bytes: Buffer.from(content) });
  return told;
}

test.each<[string, string | Buffer]>([
  ["in digits", `INSZ=${ssin};`],
  ["as people write it", letter],
  ["in an old code page", Buffer.from(letter, "latin1")],
  ["in what Windows calls Unicode", Buffer.from(`\ufeff${letter}`, "utf16le")],
])("a national number %s is told, with its file and without itself, and the paper stays as it is", (_, content) => {
  const told = toldOf(content);
  expect(told).toEqual([expect.stringContaining("ticket.txt has a national number in it")]);
  expect(told.join()).not.toContain(ssin);
});

test.each<[string, string | Buffer]>([
  ["another number", "Ticket 12345678901, KBO 0566.988.259, tel. 0470 12 34 56\n"],
  ["what is no text", Buffer.from(`\0\u0001${ssin}\0`)],
  ["nothing", ""],
])("%s is no national number", (_, content) => {
  expect(toldOf(content)).toEqual([]);
});

test("a national number in the name of a paper is told as well, without itself", () => {
  const file = join(directory, `${ssin}.pdf`);
  writeFileSync(file, "%PDF-1.7");
  const told: string[] = [];
  attachedPapers([file], { out: () => {}, err: (line) => void told.push(line), interactive: false });
  expect(told).toEqual([expect.stringContaining("[number removed].pdf has a national number in it or in its name")]);
});

test("a paper that is not there is told with the option that named it", () => {
  const terminal = { out: () => {}, err: () => {}, interactive: false };
  expect(() => attachedPapers([join(directory, "nothing")], terminal)).toThrow(
    expect.objectContaining({ code: "no-input", message: expect.stringContaining("--attach") }),
  );
});
