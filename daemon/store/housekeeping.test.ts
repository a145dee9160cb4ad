import { beforeEach, describe, expect, test } from "vitest";
import type { RecordOutcome } from "../scan/scan.ts";
import { ManualTime, settled } from "../testing/manual-time.ts";
import { type RecordingLog, recordingLog, storeSettings } from "../testing/store-fixture.ts";
import { overdueFrames, quietMs, worthwhileFrames } from "./checkpoint.ts";
import {
  type Chores,
  forgetAgainMs,
  Housekeeping,
  lengthenPeriodMs,
  repeatLogMs,
  scrubAgainMs,
  scrubPeriodMs,
} from "./housekeeping.ts";
import type { Gauges } from "./store-keeper.ts";
import type { StoreSettings } from "./store-settings.ts";

let time: ManualTime;
let log: RecordingLog;
let done: string[];

beforeEach(() => {
  time = new ManualTime();
  log = recordingLog();
  done = [];
});

const recorded: RecordOutcome = { kind: "recorded", scanId: 1, direction: "in" };
const notRecorded: RecordOutcome = { kind: "not-recorded", reason: "disk-full", detail: "full" };
const logOf = (frames: number, rows = 1): Gauges => ({
  wal: { frames, checkpointed: 0 },
  rows,
  storeId: "id",
  opening: "first",
});

function keep(changed: Partial<StoreSettings> = {}, chores: Partial<Chores> = {}): Housekeeping {
  return new Housekeeping(
    storeSettings("/nowhere", { maxScans: 10, ...changed }),
    { time, log },
    {
      checkpoint: async () => {
        done.push("checkpoint");
      },
      lengthenLog: async () => {
        done.push("lengthen");
        return done.length >= 3;
      },
      forgetErased: async () => {
        done.push("forget");
        return done.length >= 3;
      },
      scrubSlice: async () => {
        done.push("scrub");
        return done.length >= 3;
      },
      ...chores,
    },
  );
}

const messages = (): readonly string[] => log.lines.map((line) => line.message);

describe("checkpoints", () => {
  test("come when nobody has badged for a while, and not before", async () => {
    using keeping = keep();
    keeping.recorded(recorded);
    keeping.answered(logOf(worthwhileFrames));
    await time.advance(quietMs - 1);
    expect(done).toEqual([]);
    keeping.recorded(recorded);
    await time.advance(quietMs - 1);
    expect(done).toEqual([]);
    await time.advance(1);
    expect(done).toEqual(["checkpoint"]);
  });

  test("come at once when the log is overdue, and one at a time", async () => {
    using keeping = keep();
    keeping.recorded(recorded);
    keeping.answered(logOf(worthwhileFrames));
    keeping.answered(logOf(overdueFrames));
    keeping.answered(logOf(overdueFrames + 1));
    await settled();
    expect(done).toEqual(["checkpoint"]);
  });

  test("that fail are told, once a minute while they do, and tried again at the next commit", async () => {
    let isFull = true;
    const checkpoint = async (): Promise<void> => {
      done.push(isFull ? "failed" : "checkpoint");
      if (isFull) throw new Error("disk full");
    };
    using keeping = keep({}, { checkpoint });
    const commit = async (): Promise<void> => {
      keeping.answered(logOf(overdueFrames));
      await settled();
    };
    const told = (): number =>
      messages().filter((each) => each === "the write-ahead log could not be checkpointed").length;
    await commit();
    await commit();
    expect(done).toEqual(["failed", "failed"]);
    expect(told()).toBe(1);
    await time.advance(repeatLogMs);
    await commit();
    expect(told()).toBe(2);
    isFull = false;
    await commit();
    isFull = true;
    await commit();
    expect(told()).toBe(3);
  });

  test("are left to the daemon by a visitor", async () => {
    using keeping = keep({ mode: "visitor" });
    keeping.answered(logOf(overdueFrames));
    await time.advance(10 * quietMs);
    expect(done).toEqual([]);
  });

  test("do not come after it was disposed", async () => {
    const keeping = keep();
    keeping.recorded(recorded);
    keeping.answered(logOf(worthwhileFrames));
    keeping[Symbol.dispose]();
    await time.advance(10 * quietMs);
    expect(done).toEqual([]);
    expect(time.waiting).toBe(0);
  });
});

describe("room in the write-ahead log", () => {
  test("is made while nobody badges, until there is enough", async () => {
    using keeping = keep();
    keeping.lengthenLog();
    await time.advance(quietMs - 1);
    keeping.recorded(recorded);
    await time.advance(quietMs - 1);
    expect(done).toEqual([]);
    await time.advance(1 + 10 * lengthenPeriodMs);
    expect(done).toEqual(["lengthen", "lengthen", "lengthen"]);
    expect(time.waiting).toBe(0);
  });

  test("that cannot be made is told once, and commits do without", async () => {
    const broken = async (): Promise<boolean> => {
      throw new Error("disk full");
    };
    using keeping = keep({}, { lengthenLog: broken });
    keeping.lengthenLog();
    await time.advance(10 * quietMs);
    expect(messages()).toEqual(["no more room was made in the write-ahead log ahead of time"]);
    expect(time.waiting).toBe(0);
  });
});

describe("what was erased", () => {
  test("is taken out of the log while nobody badges, again where somebody reads, and its room is made anew", async () => {
    using keeping = keep();
    keeping.forgetErased();
    await time.advance(quietMs - 1);
    keeping.recorded(recorded);
    await time.advance(quietMs - 1);
    expect(done).toEqual([]);
    await time.advance(1);
    expect(done).toEqual(["forget"]);
    await time.advance(2 * forgetAgainMs + lengthenPeriodMs);
    expect(done).toEqual(["forget", "forget", "forget", "lengthen"]);
    expect(time.waiting).toBe(0);
  });

  test("while room was just being made is taken out all the same", async () => {
    const keeping = keep(
      {},
      {
        lengthenLog: async () => {
          done.push("lengthen");
          if (done.length === 1) keeping.forgetErased();
          return done.length >= 5;
        },
      },
    );
    keeping.lengthenLog();
    await time.advance(3 * quietMs + forgetAgainMs);
    expect(done).toEqual(["lengthen", "forget", "forget", "lengthen", "lengthen"]);
    keeping[Symbol.dispose]();
  });

  test("that cannot be taken out is told, and tried again; room that was being made waits for it", async () => {
    const broken = async (): Promise<boolean> => {
      throw new Error("disk full");
    };
    const keeping = keep({}, { forgetErased: broken });
    keeping.lengthenLog();
    keeping.forgetErased();
    await time.advance(quietMs + forgetAgainMs);
    expect(done).toEqual([]);
    expect(messages()).toEqual(Array(2).fill("the write-ahead log could not be emptied of what was erased"));
    keeping[Symbol.dispose]();
    expect(time.waiting).toBe(0);
  });
});

describe("the scrub", () => {
  test("reads on while nobody badges, until all was read", async () => {
    using keeping = keep();
    keeping.scrub();
    await time.advance(quietMs - 1);
    expect(done).toEqual([]);
    await time.advance(10 * scrubPeriodMs);
    expect(done).toEqual(["scrub", "scrub", "scrub"]);
    expect(time.waiting).toBe(0);
  });

  test("that fails is told, and goes on later where it was", async () => {
    let failures = 2;
    const broken = async (): Promise<boolean> => {
      if (failures === 0) return true;
      failures -= 1;
      throw new Error("busy");
    };
    using keeping = keep({}, { scrubSlice: broken });
    keeping.scrub();
    await time.advance(2 * quietMs);
    expect(messages()).toEqual(["the check of the whole database was broken off"]);
    await time.advance(2 * scrubAgainMs);
    expect(messages()).toHaveLength(2);
    expect(time.waiting).toBe(0);
  });
});

describe("the log", () => {
  test("hears of each change of the fill level once", () => {
    using keeping = keep();
    for (const rows of [1, 8, 9, 10, 10, 9, 1]) keeping.answered(logOf(0, rows));
    expect(messages()).toEqual([
      "the store is filling up, scans are not sent or not erased",
      "the store is full, scans are refused",
      "the store is filling up, scans are not sent or not erased",
      "the store has room again",
    ]);
    expect(keeping.fill).toBe("normal");
  });

  test("hears of scans that are not recorded at first and then now and then, and when it is over", async () => {
    using keeping = keep();
    keeping.recorded(notRecorded);
    keeping.recorded(notRecorded);
    await time.advance(repeatLogMs);
    keeping.recorded(notRecorded);
    keeping.recorded(recorded);
    keeping.recorded(recorded);
    expect(log.lines).toEqual([
      { message: "a scan was not recorded", fields: { reason: "disk-full", detail: "full", notRecorded: 1 } },
      { message: "a scan was not recorded", fields: { reason: "disk-full", detail: "full", notRecorded: 3 } },
      { message: "scans are recorded again", fields: { notRecorded: 3 } },
    ]);
  });
});
