import { counted } from "../base/counted.ts";
import { durationWords } from "../base/duration-words.ts";
import type { LiveAnchorer, LiveEvidence } from "../supervisor/live-status.ts";

/** How it stands with the log that an inspector can check. Capitals are what somebody should look at. */
export function evidenceLines(evidence: LiveEvidence | null): readonly string[] {
  if (evidence === null) return ["evidence  NO LOG IS KEPT, its key cannot be had: the log of badged says why"];
  const { epoch, checkpointSize, waiting, failingForMs, anchorers } = evidence;
  const epochWords = epoch > 1 ? `, in the log's epoch ${epoch}` : "";
  const waits = waiting === 0 ? "" : `; ${waiting} more with the next`;
  const failing =
    failingForMs === null
      ? waits
      : `; NOTHING WRITTEN for ${durationWords(failingForMs)}: ${waiting} ${waiting === 1 ? "waits" : "wait"} in memory`;
  return [
    `evidence  ${counted(checkpointSize, "record")} written and signed${epochWords}${failing}`,
    ...(anchorers.length === 0
      ? ["          neither witness nor timestamp authority is configured: nobody else bounds its time"]
      : anchorers.map(anchorerLine)),
  ];
}

function anchorerLine({ type, name, anchoredAgoMs, failure }: LiveAnchorer): string {
  const kind = (type === "witness" ? "witness" : "timestamp").padEnd(10);
  const last = anchoredAgoMs === null ? null : `${durationWords(anchoredAgoMs)} ago`;
  if (failure === null) return `${kind}${name}: ${last === null ? "not asked yet" : `anchored ${last}`}`;
  return `${kind}${name}: NOT ANCHORED${last === null ? " since badged started" : `, the last time ${last}`}: ${failure}`;
}
