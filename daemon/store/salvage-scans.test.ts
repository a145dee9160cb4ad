import { closeSync, copyFileSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "../base/random.ts";
import {
  draftOf,
  preparedCore,
  rosterOf,
  storeSettings,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../testing/store-fixture.ts";
import { SalvageSource } from "./salvage-source.ts";

/** Misplaced pages and sectors in the table of scans as badged fills it. */

const pageBytes = 4096;
const sectorBytes = 512;
const scansStored = 2000;

type Leaf = { readonly page: number; readonly ids: readonly number[] };

let directory: TemporaryDirectory;
let whole: string;
let damaged: string;
let leaves: readonly Leaf[];

beforeAll(() => {
  directory = temporaryDirectory();
  whole = join(directory.path, "badged.sqlite");
  damaged = join(directory.path, "damaged.sqlite");
  using core = preparedCore(storeSettings(directory.path), rosterOf(1, 2, 3));
  for (let index = 0; index < scansStored; index += 500) {
    core.record(Array.from({ length: 500 }, (_, each) => draftOf(1 + (each % 3), (index + each) * 10)));
  }
  core.checkpoint();
  leaves = leavesOf(whole);
});

afterAll(() => directory[Symbol.dispose]());

/** The leaves of the table of scans in its order; ids are dense from 1. */
function leavesOf(file: string): readonly Leaf[] {
  const db = new Sqlite(file, { readonly: true });
  const pages = db
    .prepare<[], { page: number; cells: number }>(
      "SELECT pageno AS page, ncell AS cells FROM dbstat WHERE name = 'scans' AND pagetype = 'leaf' ORDER BY path",
    )
    .all();
  db.close();
  let next = 1;
  return pages.map(({ page, cells }) => ({ page, ids: Array.from({ length: cells }, () => next++) }));
}

const leaf = (index: number): Leaf => leaves.at(index) ?? { page: 0, ids: [] };

/** Copies `bytes` from one leaf over the same place of another, or nothing but zeros. */
function overwrite(target: Leaf, source: Leaf | null, offset: number = 0, bytes: number = pageBytes): void {
  const buffer = Buffer.alloc(bytes);
  const file = openSync(damaged, "r+");
  if (source !== null) readSync(file, buffer, 0, bytes, (source.page - 1) * pageBytes + offset);
  writeSync(file, buffer, 0, bytes, (target.page - 1) * pageBytes + offset);
  closeSync(file);
}

/** What is read of the damaged table: ids in order, and no more steps than an honest walk takes. */
function idsRead(): readonly number[] {
  using source = SalvageSource.open(damaged, whole);
  const ids: number[] = [];
  let steps = 0;
  for (const readable of source.rows("scans")) {
    steps += 1;
    expect(steps, "the walk goes on without end").toBeLessThan(2 * scansStored);
    if (readable.kind === "row") ids.push(Number(readable.row["id"]));
  }
  expect(ids).toEqual([...new Set(ids)].toSorted((one, other) => one - other));
  return ids;
}

/** Everything outside the leaves that were damaged. */
function expectKept(ids: readonly number[], ...hurt: readonly Leaf[]): void {
  const lost = new Set(hurt.flatMap((each) => each.ids));
  const kept = new Set(ids);
  const missing = leaves.flatMap((each) => each.ids).filter((id) => !lost.has(id) && !kept.has(id));
  expect(missing).toEqual([]);
}

test.each<[string, number, number | null]>([
  ["an older page", 20, 2],
  ["a later page", 20, -2],
  ["the last page", 10, -1],
  ["the page behind it", 20, 21],
  ["nothing", 20, null],
])("a page that holds %s, with nothing behind it, costs no more than the two", (_what, at, other) => {
  copyFileSync(whole, damaged);
  overwrite(leaf(at), other === null ? null : leaf(other));
  overwrite(leaf(at + 1), null);
  expectKept(idsRead(), leaf(at), leaf(at + 1));
});

test.each([2, -2, -1])(
  "a page that holds leaf %i in a table that is whole otherwise costs no more than itself",
  (other) => {
    copyFileSync(whole, damaged);
    overwrite(leaf(15), leaf(other));
    expectKept(idsRead(), leaf(15));
  },
);

test("sectors that were written to the wrong page cost no scan of another", () => {
  const random = seededRandom(7);
  const among = (count: number): number => Math.floor(random() * count);
  for (let round = 0; round < 60; round += 1) {
    copyFileSync(whole, damaged);
    const target = leaf(among(leaves.length - 1));
    const sector = among(pageBytes / sectorBytes);
    overwrite(target, leaf(among(leaves.length)), sector * sectorBytes, sectorBytes);
    const behind = leaf(leaves.indexOf(target) + 1);
    const isBehindLost = random() < 0.5;
    if (isBehindLost) overwrite(behind, null);
    expectKept(idsRead(), target, ...(isBehindLost ? [behind] : []));
  }
});

test("rows that were erased leave no gap", () => {
  copyFileSync(whole, damaged);
  const db = new Sqlite(damaged);
  db.exec("DROP TRIGGER scans_unsent_stay; DELETE FROM scans WHERE id < 700 OR id % 7 = 0");
  const expected = db.prepare<[], number>("SELECT id FROM scans ORDER BY id").pluck().all();
  db.close();
  using source = SalvageSource.open(damaged, whole);
  const read = [...source.rows("scans")];
  expect(read.map((each) => (each.kind === "row" ? Number(each.row["id"]) : "gap"))).toEqual(expected);
});
