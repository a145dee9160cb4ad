import { createHash } from "node:crypto";
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "../../daemon/base/log.ts";
import { ensureDeviceKey } from "../../daemon/evidence/device-key.ts";
import { emptyHead, extend, type LogHead } from "../../daemon/evidence/log-head.ts";
import type { RecordMoment } from "../../daemon/evidence/record.ts";
import { isEpochWhole } from "../../daemon/evidence/taking-up.ts";
import { shortLine } from "../../daemon/store/short-line.ts";
import { AnchoringWitness } from "../../daemon/testing/anchoring-witness.ts";
import { evidenceServiceOf, peacefulSample } from "../../daemon/testing/evidence-service-fixture.ts";
import { CoreEvidence } from "../../daemon/testing/evidence-store.ts";
import { ManualTime } from "../../daemon/testing/manual-time.ts";
import { openCore, storeSettings } from "../../daemon/testing/store-fixture.ts";
import type { CaseReport } from "./figures.ts";
import { benchFolder } from "./site.ts";

const records = 50_000;
const goalUs = 50;
const goalBytes = 300;
const sampleMs = 30_000;
const dayMs = 24 * 3_600_000;
/** A page and its header in the write-ahead log. */
const walFrameBytes = 4096 + 24;

/** What a record costs the processor and the disk, and what a day in peace writes. */
export async function evidenceCase(): Promise<CaseReport> {
  const { recordUs, hashUs, lineBytes } = costOfRecord();
  const alone = await dayInPeace([]);
  const witnessed = await dayInPeace([new AnchoringWitness(), new AnchoringWitness("rfc3161")]);
  return {
    name: "evidence",
    findings: [
      {
        what: "evidence: one record, line, chain and tree, shortened for the disk",
        measured: `${recordUs.toFixed(1)} µs`,
        against: `${hashUs.toFixed(1)} µs bare SHA-256 of the same ${lineBytes} bytes`,
        goal: `${goalUs} µs`,
        met: recordUs < goalUs,
      },
      {
        what: "evidence: one sample on disk, all that belongs to it",
        measured: `${alone.bytesPerRecord.toFixed(0)} bytes`,
        against: `${lineBytes} bytes its line`,
        goal: `${goalBytes} bytes`,
        met: alone.bytesPerRecord < goalBytes,
      },
      ...(["alone", "witnessed"] as const).map((kind) => {
        const { commits, walBytes } = kind === "alone" ? alone : witnessed;
        return {
          what: `evidence: a day in peace, ${kind === "alone" ? "alone" : "with a witness and an authority"}`,
          measured: `${commits} commits, ${(walBytes / 1e6).toFixed(1)} MB written`,
          against: `${((dayMs / sampleMs) * lineBytes) / 1e6} MB of lines`,
          goal: "",
          met: null,
        };
      }),
      {
        what: "evidence: the whole log checked",
        measured: `${alone.checkUs.toFixed(1)} µs a record`,
        against: `${hashUs.toFixed(1)} µs bare SHA-256`,
        goal: "",
        met: null,
      },
    ],
    figures: { recordUs, hashUs, lineBytes, alone, witnessed },
  };
}

function costOfRecord(): { readonly recordUs: number; readonly hashUs: number; readonly lineBytes: number } {
  const lines = written(records / 10).lines;
  const from = processorUs();
  written(records);
  const between = processorUs();
  for (let index = 0; index < records; index += 1) {
    createHash("sha256")
      .update(lines[index % lines.length] ?? "")
      .digest();
  }
  const to = processorUs();
  return {
    recordUs: (between - from) / records,
    hashUs: (to - between) / records,
    lineBytes: Buffer.byteLength(lines.at(-1) ?? ""),
  };
}

/** Of this process alone, so that what else the machine does is not counted. */
function processorUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function written(count: number): { readonly head: LogHead; readonly lines: readonly string[] } {
  let head = emptyHead(1);
  const lines: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const moment: RecordMoment = {
      boot: "0f1e2d3c-4b5a-4678-9abc-def012345678",
      mono: 1_000_000 + index * sampleMs,
      wall: 1_780_000_000_000 + index * sampleMs,
      err: 6,
      state: "synchronised",
    };
    const next = extend(head, moment, peacefulSample);
    head = next.head;
    shortLine(next.line);
    if (lines.length < 1000) lines.push(next.line);
  }
  return { head, lines };
}

async function dayInPeace(anchorers: readonly AnchoringWitness[]): Promise<{
  readonly commits: number;
  readonly walBytes: number;
  readonly bytesPerRecord: number;
  readonly checkUs: number;
}> {
  const folder = benchFolder("evidence");
  const time = new ManualTime();
  using core = openCore(storeSettings(folder));
  const store = new CoreEvidence(core);
  const key = ensureDeviceKey(folder);
  const service = evidenceServiceOf({ store, key, time, log: silentLog, anchorers });
  await service.start();
  await service.settled();
  const before = { frames: core.walFrames().frames, commits: store.commits, bytes: emptied(core, folder) };
  const base = core.walFrames().frames;
  for (let sample = 0; sample < dayMs / sampleMs; sample += 1) {
    service.record(peacefulSample);
    await time.advance(sampleMs);
  }
  await service.settled();
  const { commits } = store;
  const { frames } = core.walFrames();
  const { size } = service.status;
  const bytesPerRecord = (emptied(core, folder) - before.bytes) / size;
  const from = processorUs();
  if (!(await isEpochWhole(store, 1, key, new AbortController().signal))) throw new Error("the log does not verify");
  const checkUs = (processorUs() - from) / size;
  await service[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
  return {
    commits: commits - before.commits,
    walBytes: (frames - Math.min(base, frames)) * walFrameBytes,
    bytesPerRecord,
    checkUs,
  };
}

/** Bytes of the database once its write-ahead log is in it. */
function emptied(core: { checkpoint(): void }, folder: string): number {
  core.checkpoint();
  return statSync(join(folder, "badged.sqlite")).size;
}
