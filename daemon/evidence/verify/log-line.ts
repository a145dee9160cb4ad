import {
  countOf,
  hashOf,
  hasKeys,
  type Json,
  type JsonObject,
  listOf,
  objectOf,
  parseCanonical,
  textOf,
} from "./canonical.ts";

/** A line of the log: a record, or the two hashes that are left of a sample in which nothing failed. */
export type LogLine =
  | { readonly kind: "record"; readonly record: LogRecord }
  | { readonly kind: "erased"; readonly seq: number; readonly hash: Buffer; readonly leaf: Buffer };

export type LogRecord = {
  readonly seq: number;
  readonly kind: string;
  /** UTC ms, and its bound; `null` where nothing vouched for the time. */
  readonly wallMs: number;
  readonly errorMs: number | null;
  /** SHA-256 of the line before. */
  readonly previous: Buffer;
  readonly data: JsonObject;
};

export type AnchorRecord = {
  readonly seq: number;
  readonly type: "rfc3161" | "witness";
  readonly size: number;
  readonly checkpoint: Buffer;
  readonly sha256: Buffer;
};

export type EpochRecord = {
  readonly origin: string;
  readonly key: string;
  readonly reason: string;
  readonly previous: { readonly origin: string; readonly size: number } | null;
};

/** Not before, not after, UTC ms; `null` where the log claims nothing. */
export type Interval = readonly [number | null, number | null];

export type WindowRecord = {
  readonly seq: number;
  readonly id: string;
  readonly change: (typeof windowChanges)[number];
  readonly cause: string;
  readonly exemption: string;
  readonly start: Interval;
  readonly end: Interval | null;
};

export type SampleRecord = {
  readonly seq: number;
  readonly wallMs: number;
  readonly errorMs: number | null;
  readonly cause: string | null;
  readonly whole: boolean;
  /** By the layer's name. */
  readonly layers: ReadonlyMap<string, string>;
};

export const lineMaxBytes: number = 65_536;

const recordKeys = ["boot", "data", "err", "kind", "mono", "p", "seq", "state", "v", "wall"];
const erasedKeys = ["erased", "hash", "leaf", "seq"];
const bootForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const clockStates = new Set<Json | undefined>(["unsynchronised", "synchronised", "holdover", "untrusted"]);
const epochReasons = new Set<Json | undefined>(["first-start", "rollback", "log-damaged", "key-changed"]);
const windowChanges = ["opened", "reopened", "cause-changed", "gap", "closed"] as const;
const layerNames = [
  "anchors",
  "box",
  "dns",
  "firstHop",
  "lan",
  "link",
  "otherChannel",
  "power",
  "service",
  "token",
] as const;

/** The line, or what it fails to be. */
export function parseLine(bytes: Uint8Array): LogLine | "line-not-canonical" | "record-malformed" {
  const read = parseCanonical(bytes);
  if (read === null) return "line-not-canonical";
  return (read["erased"] === true ? erasedOf(read) : recordOf(read)) ?? "record-malformed";
}

function erasedOf(read: JsonObject): LogLine | null {
  const seq = countOf(read["seq"]);
  const hash = hashOf(read["hash"]);
  const leaf = hashOf(read["leaf"]);
  if (seq === null || hash === null || leaf === null || !hasKeys(read, erasedKeys)) return null;
  return { kind: "erased", seq, hash, leaf };
}

function recordOf(read: JsonObject): LogLine | null {
  const { boot, err } = read;
  const seq = countOf(read["seq"]);
  const wallMs = countOf(read["wall"]);
  const kind = textOf(read["kind"]);
  const previous = hashOf(read["p"]);
  const data = objectOf(read["data"]);
  if (seq === null || wallMs === null || kind === null || previous === null || data === null) return null;
  if (typeof boot !== "string" || !bootForm.test(boot) || countOf(read["mono"]) === null) return null;
  if (read["v"] !== 1 || !clockStates.has(read["state"]) || !hasKeys(read, recordKeys)) return null;
  const errorMs = countOf(err);
  if (err !== null && errorMs === null) return null;
  return { kind: "record", record: { seq, kind, wallMs, errorMs, previous, data } };
}

/** A record of kind `epoch`; `null` when it has not its form. */
export function epochRecordOf({ data }: LogRecord): EpochRecord | null {
  const origin = textOf(data["origin"]);
  const key = textOf(data["key"]);
  const reason = textOf(data["reason"]);
  if (origin === null || key === null || reason === null || !epochReasons.has(reason) || data["format"] !== 1)
    return null;
  if (!hasKeys(data, ["format", "key", "origin", "previous", "reason"])) return null;
  if (data["previous"] === null) return { origin, key, reason, previous: null };
  const previous = objectOf(data["previous"]);
  const before = textOf(previous?.["origin"]);
  const size = countOf(previous?.["size"]);
  if (previous === null || before === null || size === null || hashOf(previous["root"]) === null) return null;
  return hasKeys(previous, ["origin", "root", "size"])
    ? { origin, key, reason, previous: { origin: before, size } }
    : null;
}

export function anchorRecordOf({ seq, data }: LogRecord): AnchorRecord | null {
  const type = data["type"];
  const size = countOf(data["size"]);
  const checkpoint = hashOf(data["checkpoint"]);
  const sha256 = hashOf(data["sha256"]);
  if ((type !== "rfc3161" && type !== "witness") || size === null || checkpoint === null || sha256 === null)
    return null;
  if (textOf(data["by"]) === null || !hasKeys(data, ["by", "checkpoint", "sha256", "size", "type"])) return null;
  return { seq, type, size, checkpoint, sha256 };
}

export function windowRecordOf({ seq, data }: LogRecord): WindowRecord | null {
  const id = textOf(data["id"]);
  const change = windowChanges.find((each) => each === data["change"]);
  const cause = textOf(data["cause"]);
  const exemption = textOf(data["exemption"]);
  const start = intervalOf(data["start"]);
  const end = data["end"] === null ? null : intervalOf(data["end"]);
  if (id === null || change === undefined || cause === null || exemption === null || start === null) return null;
  if (end === null && data["end"] !== null) return null;
  if (!hasKeys(data, ["cause", "change", "end", "exemption", "id", "start"])) return null;
  return { seq, id, change, cause, exemption, start, end };
}

export function sampleRecordOf({ seq, wallMs, errorMs, data }: LogRecord): SampleRecord | null {
  const { cause, whole } = data;
  const read = objectOf(data["layers"]);
  if (read === null || !hasKeys(read, layerNames) || !hasKeys(data, ["cause", "layers", "whole"])) return null;
  if (typeof whole !== "boolean" || (cause !== null && typeof cause !== "string")) return null;
  const layers = new Map<string, string>();
  for (const name of layerNames) {
    const state = read[name];
    if (typeof state !== "string") return null;
    layers.set(name, state);
  }
  return { seq, wallMs, errorMs, cause, whole, layers };
}

function intervalOf(value: Json | undefined): Interval | null {
  const list = listOf(value);
  if (list?.length !== 2) return null;
  const [from, to] = [countOf(list[0]), countOf(list[1])];
  if ((from === null && list[0] !== null) || (to === null && list[1] !== null)) return null;
  return from !== null && to !== null && from > to ? null : [from, to];
}
