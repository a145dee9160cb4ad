import type { WallMs } from "../../base/time.ts";

/** A remark on a registration, as people may see it: no national number. */
export type KeptRemark = {
  readonly remarkId: number;
  readonly scanId: number;
  readonly registrationId: string;
  /** The employer's own reference of the worker, as the roster had it. */
  readonly workerReference: string | null;
  readonly registeredAt: WallMs;
  /** The remark's number; `null` when the service gave words only. */
  readonly code: number | null;
  /** In the service's words. */
  readonly text: string;
  readonly firstSeen: WallMs;
  /** Since when the service no longer raises it. */
  readonly goneAt: WallMs | null;
  /** When somebody said that it was dealt with; `null` while nobody has, or when it was taken back. */
  readonly doneAt: WallMs | null;
  /** What was said with the last mark. */
  readonly note: string;
};

export type RemarkMark = {
  readonly at: WallMs;
  readonly kind: "done" | "undone";
  readonly note: string;
};

export type RemarkFilter = {
  /** Neither dealt with nor gone. */
  readonly openOnly: boolean;
  /** First seen, or raised again after it was dealt with, at or past this moment. */
  readonly seenFrom: WallMs | null;
  /** Only those with one of these numbers. */
  readonly codes?: readonly number[];
  /** Only those on registrations of this moment or later. */
  readonly registeredFrom?: WallMs;
  /** Newest registration first; the oldest when left out. */
  readonly newestFirst?: true;
  readonly limit: number;
};

/** The port through which people look at remarks, and say that they dealt with one. */
export interface RemarkArchive {
  /** Oldest registration first, unless asked otherwise: its last day comes first. */
  listRemarks(filter: RemarkFilter): Promise<readonly KeptRemark[]>;
  /** With every mark that was ever made, oldest first. */
  showRemark(remarkId: number): Promise<{ readonly remark: KeptRemark; readonly marks: readonly RemarkMark[] } | null>;
  /** Adds a mark; nothing is replaced. `false` when there is no such remark. */
  markRemark(remarkId: number, mark: RemarkMark): Promise<boolean>;
}
