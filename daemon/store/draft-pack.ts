import { monotonicNs, wallMs } from "../base/time.ts";
import { type ClockState, type StampHow, withInterval } from "../clock/stamp.ts";
import type { Direction, NotRecordedReason, RecordOutcome, ScanDraft } from "../scan/scan.ts";
import { type Packed, type PackedValue, pack, unpack } from "./column-pack.ts";
import { type DirectionColumn, ruleOf } from "./worker-chain.ts";

const draftColumns: readonly ((draft: ScanDraft) => PackedValue)[] = [
  ({ readerId }) => readerId,
  ({ badge }) => badge.raw,
  ({ badge }) => badge.number,
  ({ rule }) => (rule.kind === "fixed" ? rule.direction : "toggle"),
  ({ workSiteId }) => workSiteId,
  ({ stamp }) => stamp.bootId,
  ({ stamp }) => stamp.monotonicNs,
  ({ stamp }) => stamp.utcMs,
  ({ stamp }) => stamp.errorBoundMs,
  ({ stamp }) => stamp.state,
  ({ stamp }) => stamp.captureLagMs,
  ({ stamp }) => stamp.how,
  ({ stamp }) => stamp.syncId,
];

export function packDrafts(drafts: readonly ScanDraft[]): Packed {
  return pack(drafts, draftColumns);
}

export function unpackDrafts(packed: Packed): readonly ScanDraft[] {
  return unpack(packed, (value) => ({
    readerId: value(0) as string,
    badge: { raw: value(1) as string, number: value(2) as string },
    rule: ruleOf(value(3) as DirectionColumn),
    workSiteId: value(4) as number,
    stamp: withInterval({
      bootId: value(5) as string,
      monotonicNs: monotonicNs(value(6) as bigint),
      utcMs: wallMs(value(7) as number),
      errorBoundMs: value(8) as number | null,
      state: value(9) as ClockState,
      captureLagMs: value(10) as number,
      how: value(11) as StampHow,
      syncId: value(12) as string | null,
    }),
  }));
}

const outcomeColumns: readonly ((outcome: RecordOutcome) => PackedValue)[] = [
  ({ kind }) => kind,
  (outcome) => (outcome.kind === "not-recorded" ? outcome.reason : outcome.scanId),
  (outcome) => {
    if (outcome.kind === "not-recorded") return outcome.detail;
    if (outcome.kind === "recorded") return outcome.direction;
    return outcome.kind === "double" ? outcome.ofScanId : null;
  },
];

export function packOutcomes(outcomes: readonly RecordOutcome[]): Packed {
  return pack(outcomes, outcomeColumns);
}

export function unpackOutcomes(packed: Packed): readonly RecordOutcome[] {
  return unpack(packed, (value) => {
    const kind = value(0) as RecordOutcome["kind"];
    const scanId = value(1) as number;
    switch (kind) {
      case "recorded":
        return { kind, scanId, direction: value(2) as Direction };
      case "double":
        return { kind, scanId, ofScanId: value(2) as number };
      case "unknown-badge":
        return { kind, scanId };
      case "not-recorded":
        return { kind, reason: value(1) as NotRecordedReason, detail: value(2) as string };
    }
  });
}
