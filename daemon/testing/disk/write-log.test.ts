import fc from "fast-check";
import { expect, test } from "vitest";
import { between, seededRandom } from "../../base/random.ts";
import {
  decodeEntries,
  durablePosition,
  encodeEntry,
  entryBytes,
  type Fragment,
  type LogEntry,
  survivingFragments,
} from "./write-log.ts";

const sectorBytes = 512;
const diskSectors = 16;

const write = fc.record({
  kind: fc.constant("write" as const),
  offset: fc.nat(diskSectors - 4).map((sector) => sector * sectorBytes),
  lengthBytes: fc.integer({ min: 1, max: 4 }).map((sectors) => sectors * sectorBytes),
});
const flush = fc.record({ kind: fc.constant("flush" as const), begunBefore: fc.nat(3) });

/** Logs as a disk makes them: data follows data, and a flush covers no write that came after it was asked for. */
const logs = fc.array(fc.oneof({ weight: 3, arbitrary: write }, flush), { maxLength: 40 }).map((steps) => {
  let dataAt = 0;
  return steps.map((step, index): LogEntry => {
    if (step.kind === "flush") return { kind: "flush", covers: Math.max(0, index - step.begunBefore) };
    dataAt += step.lengthBytes;
    return { ...step, dataAt: dataAt - step.lengthBytes };
  });
});

/** The disk as the number of each sector's data in the log; `null` where nothing was written. */
function applied(fragments: readonly Fragment[], start: readonly (number | null)[] = []): (number | null)[] {
  const disk = Array.from({ length: diskSectors }, (_, sector) => start[sector] ?? null);
  for (const { offset, lengthBytes, dataAt } of fragments) {
    for (let done = 0; done < lengthBytes; done += sectorBytes) disk[(offset + done) / sectorBytes] = dataAt + done;
  }
  return disk;
}

function isWrite(entry: LogEntry): entry is Extract<LogEntry, { kind: "write" }> {
  return entry.kind === "write";
}

test("an entry is read back as it was written", () => {
  fc.assert(
    fc.property(logs, (log) => {
      const bytes = Buffer.concat(log.map(encodeEntry));
      expect(bytes).toHaveLength(log.length * entryBytes);
      expect(decodeEntries(bytes)).toEqual(log);
    }),
  );
});

test("bytes that are no entries are refused", () => {
  expect(() => decodeEntries(Buffer.alloc(entryBytes - 1))).toThrow(/whole entries/);
  expect(() => decodeEntries(Buffer.alloc(entryBytes))).toThrow(/write or a flush/);
});

const plain: readonly LogEntry[] = [
  { kind: "write", offset: 0, lengthBytes: 512, dataAt: 0 },
  { kind: "flush", covers: 1 },
  { kind: "write", offset: 512, lengthBytes: 512, dataAt: 512 },
  { kind: "write", offset: 1024, lengthBytes: 512, dataAt: 1024 },
  { kind: "flush", covers: 3 },
];

test.each([
  [0, 0],
  [1, 0],
  [2, 1],
  [4, 1],
  [5, 3],
])("a cut at %i finds the writes before %i durable", (at, durable) => {
  expect(durablePosition(plain, at)).toBe(durable);
});

test("a flush that ends late takes nothing back from one that covered more", () => {
  const log: readonly LogEntry[] = [...plain, { kind: "flush", covers: 1 }];
  expect(durablePosition(log, 6)).toBe(3);
});

test("a cut beyond the log is refused", () => {
  expect(() => durablePosition(plain, 6)).toThrow(/reached/);
});

test("a cut finds in each sector its durable data or something written there since", () => {
  fc.assert(
    fc.property(logs, fc.integer(), fc.integer(), (log, seed, place) => {
      const at = between(seededRandom(place), 0, log.length);
      const durable = applied(log.slice(0, durablePosition(log, at)).filter(isWrite));
      const since = log.slice(durablePosition(log, at), at).filter(isWrite);
      const disk = applied(survivingFragments(log, { at, random: seededRandom(seed), sectorBytes }), durable);
      for (const [sector, found] of disk.entries()) {
        const possible = [
          durable[sector],
          ...since.map((each) => applied([each])[sector]).filter((data) => data !== null),
        ];
        expect(possible).toContain(found);
      }
    }),
  );
});

const unsynced: readonly LogEntry[] = [
  { kind: "write", offset: 0, lengthBytes: 1024, dataAt: 0 },
  { kind: "write", offset: 0, lengthBytes: 1024, dataAt: 1024 },
];

/** What a thousand cuts after two overlapping writes leave in the two sectors. */
function outcomes(): Set<string> {
  const random = seededRandom(1);
  return new Set(
    Array.from({ length: 1000 }, () =>
      applied(survivingFragments(unsynced, { at: 2, random, sectorBytes }))
        .slice(0, 2)
        .join(","),
    ),
  );
}

test.each([
  ["nothing is there", ","],
  ["only the first write is there", "0,512"],
  ["the second write is there", "1024,1536"],
  ["a write is torn", "0,"],
  ["a sector of each is there", "0,1536"],
])("cuts try the case that %s", (_case, disk) => {
  expect(outcomes()).toContain(disk);
});

test("the same seed makes the same cut", () => {
  const cut = (): Fragment[] => survivingFragments(unsynced, { at: 2, random: seededRandom(5), sectorBytes });
  expect(cut()).toEqual(cut());
});
