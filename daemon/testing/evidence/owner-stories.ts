import { between, pick, type Random } from "../../base/random.ts";
import { wallMs } from "../../base/time.ts";
import type { EvidenceRecord } from "../../evidence/record.ts";
import { type EvidenceLog, LogBuilder, type Vouchers } from "./log-builder.ts";

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type Story = { [key: string]: Json };

/** Texts that mean something somewhere, to a box or to a verifier that writes tables, and some that nobody expects. */
const words = [
  ...["", "-", "none", "bad", "ok", "unknown", "a\tb", "a\nb", "\\", "é", "0", "1e3", "x y"],
  ...["up", "down", "failed", "partly", "all", "some", "running", "crashed", "rebooted", "rebooted-unclean", "stopped"],
  ...["unreachable", "refuses-us", "own-tls", "server-error", "bad-certificate", "answered", "battery", "mains"],
  ...["internet-provider", "service", "own-network", "own-software", "own-power", "operator", "partial"],
  ...["not-exempt", "presumed", "ambiguous", "opened", "reopened", "cause-changed", "gap", "closed"],
  ...["sample", "window", "start", "stop", "note", "scans", "torn", "rollback", "erased", "anchor", "epoch"],
] as const;
const numbers = [0, -1, 1, 0.5, 2 ** 53 - 1, 1_772_428_800_000] as const;

/**
 * The log as an owner of the key could have written it from the start: some of what records say is another, some are left
 * out or said twice, and everything is signed, stamped and witnessed as if it were the truth. What there is to find is in
 * the story alone, and two verifiers have to find the same.
 */
export function storyOf(log: EvidenceLog, random: Random, vouchers: Vouchers): EvidenceLog {
  const isAnchored = new Set(log.checkpoints.map(({ size }) => size));
  const places = log.records.map((record, index) => ({ record, isCheckpoint: isAnchored.has(index + 1) }));
  const told = places.filter(({ record, isCheckpoint }) => record.kind !== "anchor" || isCheckpoint);
  const meant = told.flatMap(({ record }, index) =>
    record.kind === "sample" || record.kind === "window" || (index > 0 && random() < 0.2) ? [index] : [],
  );
  const changed = new Map<number, readonly EvidenceRecord[]>();
  for (let count = between(random, 1, 3); count > 0; count -= 1) {
    const index = meant[between(random, 0, meant.length - 1)] ?? 0;
    const { record } = told[index] ?? {};
    if (record !== undefined && index > 0 && record.kind !== "anchor") changed.set(index, retold(record, random));
  }
  const [first] = log.records;
  const builder = new LogBuilder(log.signer, wallMs(first?.wall ?? 0), first?.boot ?? "");
  for (const [index, { record, isCheckpoint }] of told.entries()) {
    if (record.kind !== "anchor") for (const each of changed.get(index) ?? [record]) builder.add(each);
    if (isCheckpoint) builder.anchor(vouchers);
  }
  return builder.build();
}

function retold(record: EvidenceRecord, random: Random): readonly EvidenceRecord[] {
  const chance = random();
  if (chance < 0.1) return [];
  if (chance < 0.15) return [record, record];
  const story: Story = JSON.parse(JSON.stringify(record));
  if (chance < 0.25) story["kind"] = pick(random, words);
  else if (chance < 0.3) story["state"] = pick(random, words);
  else if (chance < 0.4) story["wall"] = Math.max(0, record.wall + pick(random, [-3_600_000, -20_000, -1, 1, 20_000]));
  else story["data"] = retoldData(record.data, random);
  const retoldRecord: EvidenceRecord = JSON.parse(JSON.stringify(story));
  return [retoldRecord];
}

/** What is no object at all, no box and no bundle can speak of. */
function retoldData(data: EvidenceRecord["data"], random: Random): Json {
  const read: Json = JSON.parse(JSON.stringify(data));
  for (;;) {
    const other = otherwise(read, random);
    if (typeof other === "object" && other !== null) return other;
  }
}

/** One value in it is another, of the same kind most of the time; now and then a key or an item more or less. */
function otherwise(value: Json, random: Random): Json {
  if (random() < 0.03) return pick(random, [null, "", 0, true]);
  if (typeof value === "string") return pick(random, words);
  if (typeof value === "number") {
    return random() < 0.5 ? value + pick(random, [-60_000, -1, 1, 60_000]) : pick(random, numbers);
  }
  if (typeof value === "boolean") return !value;
  if (value === null) return random() < 0.5 ? pick(random, words) : pick(random, numbers);
  if (isList(value)) {
    if (random() < 0.1) return value.slice(1);
    const at = between(random, 0, Math.max(0, value.length - 1));
    return value.map((each, index) => (index === at ? otherwise(each, random) : each));
  }
  const keys = Object.keys(value);
  const key = keys[between(random, 0, Math.max(0, keys.length - 1))] ?? "more";
  if (random() < 0.03) return { ...value, more: 1 };
  if (random() < 0.03) return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
  return { ...value, [key]: otherwise(value[key] ?? null, random) };
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
