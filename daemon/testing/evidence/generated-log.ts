import { createHash } from "node:crypto";
import { present } from "../../base/assert.ts";
import { between, pick, type Random, seededRandom } from "../../base/random.ts";
import { type WallMs, wallMs } from "../../base/time.ts";
import type { RecordData } from "../../evidence/record.ts";
import { type Cause, findingOf } from "../../outage/cause.ts";
import type { Layers } from "../../outage/layers.ts";
import { type EvidenceLog, LogBuilder, seededSigner, type Vouchers } from "./log-builder.ts";
import { allWell, isMoment, sceneCauses, sceneOf } from "./outage-scenes.ts";

export type LogPlan = Vouchers & {
  readonly seed: number;
  /** One window each, in this order; every cause without it. */
  readonly causes?: readonly Cause[];
  /** Samples of peace before, between and after the windows. */
  readonly peace?: number;
  /** A checkpoint after as many samples of peace, at the latest. */
  readonly samplesPerCheckpoint?: number;
  readonly epoch?: number;
};

/** 2026-03-02T05:20:00Z. */
const startedAt = wallMs(1_772_428_800_000);
const peacePeriodMs = 30_000;
const failingPeriodMs = 5_000;
const failingSamplesMin = 3;
/** From the beginning of a look to its end. */
const lookMs = 900;

type Context = { readonly builder: LogBuilder; readonly plan: LogPlan; readonly random: Random };

/**
 * The log of a box that lived through a window of each cause, with records of every kind but those of an accident with
 * the log itself. The same seed gives the same log; tokens differ, for their signatures are made anew.
 */
export function generateLog(plan: LogPlan): EvidenceLog {
  const random = seededRandom(plan.seed);
  const { causes = sceneCauses, peace = 8, epoch = 1 } = plan;
  const builder = new LogBuilder(seededSigner(`box ${plan.seed}`, epoch), startedAt, uuid(random));
  const context: Context = { builder, plan, random };
  begin(context, epoch);
  livePeace(context, peace);
  for (const cause of causes) {
    liveOutage(context, cause);
    livePeace(context, peace);
  }
  builder.anchor(plan);
  return builder.build();
}

/** A window of the provider's after all that is there: what somebody would write who needs an exemption. */
export function addFakeOutage(builder: LogBuilder, vouchers: Vouchers, seed: number, cause: Cause): void {
  const random = seededRandom(seed);
  const context: Context = { builder, plan: { ...vouchers, seed }, random };
  liveOutage(context, cause);
  livePeace(context, 2);
  builder.anchor(vouchers);
}

/** Ids of the windows of a log, in the order in which they were opened. */
export function windowIdsOf({ records }: EvidenceLog): readonly string[] {
  return [...new Set(records.flatMap((record) => (record.kind === "window" ? [record.data.id] : [])))];
}

function begin({ builder, random }: Context, epoch: number): void {
  const { name: origin, publicKey } = builder.signer;
  const key = Buffer.from(publicKey).toString("base64");
  const previous = { origin: origin.replace(/\d+$/, String(epoch - 1)), size: 1234, root: hash(random) };
  builder.clock("unsynchronised", null);
  builder.record({
    kind: "epoch",
    data:
      epoch === 1
        ? { format: 1, origin, key, previous: null, reason: "first-start" }
        : { format: 1, origin, key, previous, reason: "rollback" },
  });
  builder.record({ kind: "start", data: { version: "0.1.0", configuration: hash(random) } });
  builder.pass(between(random, 300, 900));
  synchronise({ builder, random });
  builder.record({
    kind: "clock-state",
    data: { from: "unsynchronised", to: "synchronised", reason: "quorum of 5 servers" },
  });
}

function synchronise({ builder, random }: Pick<Context, "builder" | "random">): void {
  builder.clock("synchronised", between(random, 4, 12));
  builder.record({
    kind: "synchronisation",
    data: {
      id: uuid(random),
      offsetUs: between(random, -900, 900),
      boundUs: between(random, 3000, 9000),
      servers: 5,
      falseTickers: between(random, 0, 1),
    },
  });
}

function livePeace(context: Context, samples: number): void {
  const { builder, plan, random } = context;
  for (let count = 1; count <= samples; count += 1) {
    builder.pass(peacePeriodMs + between(random, 0, 40));
    look(builder, allWell, true);
    if (random() < 0.15) everydayRecord(context);
    if (count % (plan.samplesPerCheckpoint ?? 20) === 0) {
      builder.pass(between(random, 100, 400));
      builder.anchor(plan);
    }
  }
}

function everydayRecord(context: Context): void {
  const { builder, random } = context;
  switch (between(random, 0, 3)) {
    case 0:
      synchronise(context);
      return;
    case 1:
      builder.record({ kind: "clock-step", data: { kind: "set", ms: between(random, -7_200_000, 7_200_000) } });
      return;
    case 2: {
      builder.record({ kind: "clock-state", data: { from: "synchronised", to: "holdover", reason: "servers silent" } });
      builder.clock("holdover", between(random, 20, 60));
      synchronise(context);
      return;
    }
    default:
      restart(context);
  }
}

function restart({ builder, random }: Context): void {
  const { boot } = builder;
  builder.record({ kind: "stop", data: { reason: "SIGTERM" } });
  const fromWall = builder.now;
  builder.pass(between(random, 2_000, 60_000));
  if (random() < 0.5) builder.reboot(uuid(random));
  builder.record({ kind: "start", data: { version: "0.1.0", configuration: hash(random) } });
  builder.record({ kind: "configuration", data: { sha256: hash(random) } });
  builder.record({ kind: "heartbeat-gap", data: { fromWall, toWall: builder.now, boot, ended: true } });
}

type WindowRecord = RecordData["window"];

function liveOutage(context: Context, cause: Cause): void {
  const { builder, plan, random } = context;
  builder.pass(between(random, 1_000, peacePeriodMs));
  const lastGood = look(builder, allWell, true);
  builder.pass(failingPeriodMs);
  const layers = sceneOf(cause, random);
  if (isMoment(layers)) builder.reboot(uuid(random));
  const id = uuid(random);
  const { exemption } = present(findingOf(layers), "a scene fails");
  const first = look(builder, layers, true);
  const err = builder.errMs ?? 0;
  const start: WindowRecord["start"] = [lastGood.began - err, first.at + err];
  const change = (kind: WindowRecord["change"], end: WindowRecord["end"] = null): void => {
    builder.record({ kind: "window", data: { id, change: kind, cause, exemption, start, end } });
  };
  const samples = isMoment(layers) ? 1 : between(random, failingSamplesMin, 9);
  let lastBad = first;
  for (let count = 1; count <= samples; count += 1) {
    if (count > 1) {
      builder.pass(failingPeriodMs - lookMs);
      lastBad = look(builder, layers, true);
    }
    if (count === Math.min(samples, failingSamplesMin)) change("opened");
    if (count === 5 && random() < 0.5) {
      builder.pass(25_000);
      change("gap");
    }
  }
  builder.pass(failingPeriodMs);
  const firstGood = look(builder, allWell, true);
  change("closed", [lastBad.began - err, firstGood.at + err]);
  addEntries(context, id);
  builder.pass(between(random, 1_500, 4_000));
  builder.anchor(plan);
}

function addEntries({ builder, random }: Context, window: string): void {
  const entry = (bytes: number): RecordData["note"] => ({
    window,
    entry: between(random, 1, 99),
    sha256: hash(random),
    bytes,
  });
  builder.pass(between(random, 300, 900));
  if (random() < 0.4) builder.record({ kind: "note", data: entry(31) });
  if (random() < 0.4) builder.record({ kind: "attachment", data: entry(40_312) });
  if (random() < 0.4) builder.record({ kind: "attempt", data: { ...entry(24), worked: random() < 0.3 } });
  builder.record({
    kind: "scans",
    data: {
      window,
      delayed: between(random, 0, 40),
      withheld: between(random, 0, 3),
      registered: between(random, 0, 40),
    },
  });
}

function look(builder: LogBuilder, layers: Layers, whole: boolean): { readonly began: WallMs; readonly at: WallMs } {
  const began = builder.now;
  builder.pass(lookMs);
  builder.record({ kind: "sample", data: { layers, cause: findingOf(layers)?.cause ?? null, whole } });
  return { began, at: builder.now };
}

function uuid(random: Random): string {
  const hex = hash(random);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${pick(random, ["8", "9", "a", "b"])}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function hash(random: Random): string {
  return createHash("sha256").update(String(random())).digest("hex");
}
