import { monotonicNs, wallMs } from "../base/time.ts";
import { type ClockState, type StampHow, withInterval } from "../clock/stamp.ts";
import type { Direction, NotRecordedReason, RecordOutcome, ScanDraft } from "../scan/scan.ts";
import { type DirectionColumn, ruleOf } from "./worker-chain.ts";

/**
 * A batch on its way to the worker thread and back: plain values in a row, for a structured clone of nested objects
 * costs as much as storing them.
 */
export type Packed = readonly PackedValue[];
type PackedValue = string | number | bigint | null;

const draftValues = 13;
const outcomeValues = 4;

export function packDrafts(drafts: readonly ScanDraft[]): Packed {
  const packed: PackedValue[] = [];
  for (const { readerId, badge, rule, workSiteId, stamp } of drafts) {
    packed.push(readerId, badge.raw, badge.number, rule.kind === "fixed" ? rule.direction : "toggle", workSiteId);
    packed.push(stamp.bootId, stamp.monotonicNs, stamp.utcMs, stamp.errorBoundMs, stamp.state, stamp.captureLagMs);
    packed.push(stamp.how, stamp.syncId);
  }
  return packed;
}

export function unpackDrafts(packed: Packed): readonly ScanDraft[] {
  const drafts: ScanDraft[] = [];
  for (let at = 0; at < packed.length; at += draftValues) {
    drafts.push({
      readerId: packed[at] as string,
      badge: { raw: packed[at + 1] as string, number: packed[at + 2] as string },
      rule: ruleOf(packed[at + 3] as DirectionColumn),
      workSiteId: packed[at + 4] as number,
      stamp: withInterval({
        bootId: packed[at + 5] as string,
        monotonicNs: monotonicNs(packed[at + 6] as bigint),
        utcMs: wallMs(packed[at + 7] as number),
        errorBoundMs: packed[at + 8] as number | null,
        state: packed[at + 9] as ClockState,
        captureLagMs: packed[at + 10] as number,
        how: packed[at + 11] as StampHow,
        syncId: packed[at + 12] as string | null,
      }),
    });
  }
  return drafts;
}

export function packOutcomes(outcomes: readonly RecordOutcome[]): Packed {
  const packed: PackedValue[] = [];
  for (const outcome of outcomes) {
    if (outcome.kind === "not-recorded") packed.push(outcome.kind, 0, outcome.reason, outcome.detail);
    else if (outcome.kind === "recorded") packed.push(outcome.kind, outcome.scanId, outcome.direction, null);
    else packed.push(outcome.kind, outcome.scanId, outcome.kind === "double" ? outcome.ofScanId : null, null);
  }
  return packed;
}

export function unpackOutcomes(packed: Packed): readonly RecordOutcome[] {
  const outcomes: RecordOutcome[] = [];
  for (let at = 0; at < packed.length; at += outcomeValues) {
    const kind = packed[at] as RecordOutcome["kind"];
    const scanId = packed[at + 1] as number;
    const more = packed[at + 2];
    switch (kind) {
      case "recorded":
        outcomes.push({ kind, scanId, direction: more as Direction });
        break;
      case "double":
        outcomes.push({ kind, scanId, ofScanId: more as number });
        break;
      case "unknown-badge":
        outcomes.push({ kind, scanId });
        break;
      case "not-recorded":
        outcomes.push({ kind, reason: more as NotRecordedReason, detail: packed[at + 3] as string });
        break;
    }
  }
  return outcomes;
}
