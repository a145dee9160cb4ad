import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { between, type Random, seededRandom } from "../base/random.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../testing/store-fixture.ts";
import { SalvageSource } from "./salvage-source.ts";

/** Pages that hold what belongs to others, as a card leaves them that lost or misdirected a write of a sector. */

const pageBytes = 4096;
const sectorBytes = 512;
const rowsStored = 900;

let directory: TemporaryDirectory;
let file: string;

beforeEach(() => {
  directory = temporaryDirectory();
  file = join(directory.path, "whole.sqlite");
});

afterEach(() => directory[Symbol.dispose]());

/** Ids as the daemon leaves them: all of them, with most of them erased, or in the epochs of the evidence. */
const idsOf: Readonly<Record<string, (index: number) => number>> = {
  "in a row": (index) => index + 1,
  "far apart": (index) => 1 + index * 97 + (index % 5),
  "in epochs": (index) => Math.floor(index / 50) * 2 ** 40 + (index % 50) + 1,
};

function fill(idOf: (index: number) => number): void {
  const db = new Sqlite(file);
  db.exec("CREATE TABLE scans (id INTEGER PRIMARY KEY, body TEXT NOT NULL); BEGIN");
  const insert = db.prepare("INSERT INTO scans VALUES (?, ?)");
  for (let index = 0; index < rowsStored; index += 1) insert.run(idOf(index), bodyOf(idOf(index)));
  db.exec("COMMIT");
  db.close();
}

const bodyOf = (id: number | bigint): string => `scan ${id} `.repeat(10);

type Leaf = { readonly page: number; readonly ids: readonly bigint[] };

/** The leaves in the order of their ids, by what SQLite says of the whole file. */
function leaves(): readonly Leaf[] {
  const db = new Sqlite(file, { readonly: true });
  const pages = db
    .prepare<[], number>("SELECT pageno FROM dbstat WHERE name = 'scans' AND pagetype = 'leaf' ORDER BY path")
    .pluck()
    .all();
  db.close();
  const bytes = readFileSync(file);
  return pages.map((page) => ({ page, ids: idsOn(bytes.subarray((page - 1) * pageBytes, page * pageBytes)) }));
}

/** The row ids of a leaf (https://sqlite.org/fileformat2.html#b_tree_pages). */
function idsOn(page: Buffer): readonly bigint[] {
  return Array.from({ length: page.readUInt16BE(3) }, (_, cell) => {
    let at = idOffset(page, cell);
    let id = 0n;
    for (;;) {
      const byte = page.readUInt8(at);
      id = id * 128n + BigInt(byte & 0x7f);
      at += 1;
      if (byte < 0x80) return id;
    }
  });
}

/** Where a cell's row id begins: behind the length of its payload. */
function idOffset(page: Buffer, cell: number): number {
  let at = page.readUInt16BE(8 + 2 * cell);
  while (page.readUInt8(at) >= 0x80) at += 1;
  return at + 1;
}

const pageOf = (bytes: Buffer, leaf: Leaf | undefined): Buffer => {
  const page = leaf?.page ?? 1;
  return bytes.subarray((page - 1) * pageBytes, page * pageBytes);
};

/** What reads of the file once its bytes are changed. */
function salvaged(hurt: (bytes: Buffer) => void): ReadonlyMap<bigint, unknown> {
  const damaged = join(directory.path, "damaged.sqlite");
  copyFileSync(file, damaged);
  const bytes = readFileSync(damaged);
  hurt(bytes);
  writeFileSync(damaged, bytes);
  using source = SalvageSource.open(damaged, file, []);
  const rows = new Map<bigint, unknown>();
  let last = 0n;
  for (const readable of source.rows("scans")) {
    if (readable.kind !== "row") continue;
    const id = BigInt(Number(readable.row["id"]));
    // Each once, in order; this also ends a walk that would go round for ever.
    expect(id).toBeGreaterThan(last);
    last = id;
    rows.set(id, readable.row["body"]);
  }
  return rows;
}

function expectKept(rows: ReadonlyMap<bigint, unknown>, all: readonly Leaf[], hurt: ReadonlySet<Leaf>): void {
  const lost = all.filter((leaf) => !hurt.has(leaf)).flatMap(({ ids }) => ids.filter((id) => !rows.has(id)));
  expect(lost).toEqual([]);
  for (const { ids } of all.filter((leaf) => !hurt.has(leaf))) {
    for (const id of ids) expect(rows.get(id)).toBe(bodyOf(id));
  }
}

describe.each(Object.entries(idsOf))("with ids %s, all that stands on whole pages is kept when", (_how, idOf) => {
  beforeEach(() => fill(idOf));

  const middle = 8;
  test.each<[string, (all: readonly Leaf[]) => { from: Leaf | undefined; zeroed: Leaf | undefined }]>([
    ["an older page, the next is zero", (all) => ({ from: all[2], zeroed: all[middle + 1] })],
    ["a later page, the next is zero", (all) => ({ from: all.at(-3), zeroed: all[middle + 1] })],
    ["the last page, the next is zero", (all) => ({ from: all.at(-1), zeroed: all[middle + 1] })],
    ["the last page, the one after the next is zero", (all) => ({ from: all.at(-1), zeroed: all[middle + 2] })],
    ["a later page, the last is zero", (all) => ({ from: all.at(-3), zeroed: all.at(-1) })],
  ])("a page holds %s", (_what, choose) => {
    const all = leaves();
    const { from, zeroed } = choose(all);
    const rows = salvaged((bytes) => {
      pageOf(bytes, from).copy(pageOf(bytes, all[middle]));
      pageOf(bytes, zeroed).fill(0);
    });
    expectKept(rows, all, new Set(all.filter((leaf) => leaf === all[middle] || leaf === zeroed)));
  });

  test.each(["last", "middle"])("one bit of a row id is flipped in the %s cell, and the next page is zero", (where) => {
    const all = leaves();
    const rows = salvaged((bytes) => {
      const page = pageOf(bytes, all[middle]);
      const cells = page.readUInt16BE(3);
      const at = idOffset(page, where === "last" ? cells - 1 : cells >> 1);
      page.writeUInt8(page.readUInt8(at) ^ 0x40, at);
      pageOf(bytes, all[middle + 1]).fill(0);
    });
    expectKept(rows, all, new Set(all.slice(middle, middle + 2)));
  });

  test("a run of pages is zero", () => {
    const all = leaves();
    const hurt = all.slice(middle, middle + 4);
    const rows = salvaged((bytes) => {
      for (const leaf of hurt) pageOf(bytes, leaf).fill(0);
    });
    expectKept(rows, all, new Set(hurt));
  });

  test.each([1, 2, 3, 4])("sectors hold those of other pages (seed %i)", (seed) => {
    const random = seededRandom(seed);
    const all = leaves();
    for (let round = 0; round < 6; round += 1) {
      const hurt = new Set<Leaf>();
      const rows = salvaged((bytes) => {
        const whole = Buffer.from(bytes);
        for (let times = between(random, 1, 3); times > 0; times -= 1) hurt.add(copySector(all, random, whole, bytes));
      });
      expectKept(rows, all, hurt);
    }
  });
});

test("rows that were erased leave no gap", () => {
  fill(idsOf["in a row"] ?? Number);
  const db = new Sqlite(file);
  db.exec("DELETE FROM scans WHERE id < 300 OR id % 7 = 0");
  const expected = db.prepare<[], number>("SELECT id FROM scans ORDER BY id").pluck().all();
  db.close();
  using source = SalvageSource.open(file, file, []);
  const read = [...source.rows("scans")];
  expect(read.map((each) => (each.kind === "row" ? Number(each.row["id"]) : "gap"))).toEqual(expected);
});

/** One sector of a leaf is the same sector of another; returns the leaf that is hurt. */
function copySector(all: readonly Leaf[], random: Random, whole: Buffer, bytes: Buffer): Leaf {
  const sector = between(random, 0, pageBytes / sectorBytes - 1) * sectorBytes;
  const from = all[between(random, 0, all.length - 1)] as Leaf;
  const to = all[between(random, 0, all.length - 1)] as Leaf;
  pageOf(whole, from).copy(pageOf(bytes, to), sector, sector, sector + sectorBytes);
  return to;
}
