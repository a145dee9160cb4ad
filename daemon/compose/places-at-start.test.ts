import { expect, test } from "vitest";
import type { RecordOutcome, ScanDraft, WorkSite } from "../scan/scan.ts";
import { StoreError } from "../store/store-error.ts";
import { draftOf, recordingLog, site } from "../testing/store-fixture.ts";
import { placesAtStart } from "./places-at-start.ts";

const gate = { id: "gate", ...site };
const north = { id: "north", ...site, declarationOfWorks: null };

/** A store that takes no new place while `failure` is set. */
class PlaceShelf {
  failure: StoreError | null = null;
  readonly recorded: ScanDraft[] = [];
  readonly known: (string | null)[] = [];

  async internWorkSite({ declarationOfWorks }: WorkSite): Promise<number> {
    if (!this.known.includes(declarationOfWorks)) {
      if (this.failure !== null) throw this.failure;
      this.known.push(declarationOfWorks);
    }
    return this.known.indexOf(declarationOfWorks) + 1;
  }

  async record(draft: ScanDraft): Promise<RecordOutcome> {
    this.recorded.push(draft);
    return { kind: "recorded", scanId: this.recorded.length, direction: "in" };
  }
}

const full = new StoreError("disk-full", "database or disk is full");

test("a store with room is the ledger itself, and knows every place", async () => {
  const shelf = new PlaceShelf();
  const { idOf, ledger } = await placesAtStart([gate, north], shelf, recordingLog());
  expect([idOf("gate"), idOf("north")]).toEqual([1, 2]);
  expect(ledger).toBe(shelf);
});

test("a full disk lets badged start: scans at the new place are told as not recorded until there is room", async () => {
  const shelf = new PlaceShelf();
  await shelf.internWorkSite(gate);
  shelf.failure = full;
  const log = recordingLog();
  const { idOf, ledger } = await placesAtStart([gate, north], shelf, log);
  expect(log.lines.map(({ fields }) => fields)).toEqual([{ reader: "north", detail: "database or disk is full" }]);

  const atGate = draftOf(1, 0, { readerId: "gate", workSiteId: idOf("gate") });
  const atNorth = draftOf(2, 0, { readerId: "north", workSiteId: idOf("north") });
  expect((await ledger.record(atGate)).kind).toBe("recorded");
  expect(await ledger.record(atNorth)).toMatchObject({ kind: "not-recorded", reason: "disk-full" });

  shelf.failure = null;
  const together = await Promise.all([ledger.record(atNorth), ledger.record(atNorth)]);
  expect([...together, await ledger.record(atNorth)].map(({ kind }) => kind)).toEqual(Array(3).fill("recorded"));
  expect(shelf.recorded.map(({ readerId, workSiteId }) => [readerId, workSiteId])).toEqual([
    ["gate", 1],
    ["north", 2],
    ["north", 2],
    ["north", 2],
  ]);
});

test("a database that a command holds lets badged start, and the place is taken with the next scan", async () => {
  const shelf = new PlaceShelf();
  shelf.failure = new StoreError("busy", "database is locked");
  const log = recordingLog();
  const { idOf, ledger } = await placesAtStart([gate], shelf, log);
  expect(log.lines.map(({ message }) => message)).toEqual([
    "the store did not take the place of a reader, its scans are not recorded until it does",
  ]);
  const draft = draftOf(1, 0, { workSiteId: idOf("gate") });
  expect(await ledger.record(draft)).toMatchObject({ kind: "not-recorded", reason: "store-failed" });
  shelf.failure = null;
  expect((await ledger.record(draft)).kind).toBe("recorded");
});

test("a store that fails otherwise still ends the start", async () => {
  const shelf = new PlaceShelf();
  shelf.failure = new StoreError("corrupt", "malformed");
  await expect(placesAtStart([gate], shelf, recordingLog())).rejects.toThrow("malformed");
});
