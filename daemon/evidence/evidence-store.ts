import type { WallMs } from "../base/time.ts";
import type { AnchorType, RecordKind } from "./record.ts";

/** A line as it is kept; an erased one is known by its hashes, in hex, only. */
export type KeptRecord =
  | { readonly kind: "whole"; readonly seq: number; readonly line: string }
  | { readonly kind: "erased"; readonly seq: number; readonly hash: string; readonly leaf: string };

/** A signed note, and the frontier of the tree at its size, in hex. */
export type KeptCheckpoint = { readonly size: number; readonly note: string; readonly roots: readonly string[] };

/** What an authority or a witness said of the checkpoint of `size`; `seq` is the `anchor` record that names it. */
export type KeptAnchor = {
  readonly seq: number;
  readonly size: number;
  readonly type: AnchorType;
  readonly by: string;
  readonly proof: Uint8Array;
};

/** Where the newest epoch ends on disk. */
export type LogEnd = { readonly epoch: number; readonly size: number; readonly checkpoint: KeptCheckpoint | null };

export type NewRecord = {
  readonly kind: RecordKind;
  readonly line: string;
  /** Of a sample in which nothing fails: its wall time, from which it is told when it may be reduced to its hashes. */
  readonly erasableAt: number | null;
};

/** What is written in one commit, all or nothing. */
export type EvidenceBatch = {
  readonly epoch: number;
  /** Sequence of the first record. */
  readonly from: number;
  readonly records: readonly NewRecord[];
  readonly checkpoint: KeptCheckpoint | null;
  readonly anchors: readonly KeptAnchor[];
  readonly salts: readonly { readonly entryId: number; readonly salt: Uint8Array }[];
  /** Samples that an `erased` record of this batch counts. */
  readonly erase: readonly ErasableSample[];
};

export type ErasableSample = { readonly epoch: number; readonly seq: number };

/** What somebody added to an outage, and no record names yet. */
export type UnrecordedEntry = {
  readonly entryId: number;
  readonly window: string;
  readonly kind: "note" | "attachment" | "attempt";
  /** The words of a note, the channel of an attempt; of an attachment the hash of its file, in hex. */
  readonly content: string;
  /** Of the content; of an attachment, of its file. */
  readonly bytes: number;
  /** Of an attempt only. */
  readonly worked: boolean | null;
};

export type WindowScans = { readonly delayed: number; readonly withheld: number; readonly registered: number };

/**
 * The port through which the log is kept.
 *
 * - `committed`: durable.
 * - `diverged`: what is on disk is not what the batch continues. Nothing was written.
 */
export interface EvidenceStore {
  /** `null` before the first record ever. */
  evidenceEnd(): Promise<LogEnd | null>;
  /** Whether the log is of a copy that was put back, and no epoch has begun since: what it was until then, others may have seen. */
  isOfCopy(): Promise<boolean>;
  /** The latest epoch that was signed here, in whatever database; 0 for none. No later one may have its number. */
  usedEpoch(): Promise<number>;
  /** In sequence; one that cannot be read is left out. */
  evidenceRecords(epoch: number, from: number, limit: number): Promise<readonly KeptRecord[]>;
  /** From a size on, smallest first. */
  evidenceCheckpoints(epoch: number, from: number, limit: number): Promise<readonly KeptCheckpoint[]>;
  /** The newest record of a kind in any epoch; `null` when there is none. Never a sample. */
  lastEvidenceOf(kind: Exclude<RecordKind, "sample">): Promise<string | null>;
  /** The records of a kind that speak of a window, in all epochs, oldest first. */
  recordsOfWindow(kind: "window" | "scans", window: string): Promise<readonly string[]>;
  /** The same batch again is committed once. */
  commitEvidence(batch: EvidenceBatch): Promise<"committed" | "diverged">;
  /** Drops records that no checkpoint covers, from `from` on; returns how many. */
  dropEvidence(epoch: number, from: number): Promise<number>;
  unrecordedEntries(limit: number): Promise<readonly UnrecordedEntry[]>;
  /** `null` when there is no such window. */
  windowScans(window: string): Promise<WindowScans | null>;
  /** Samples from before that are still whole, at most `limit` of them. */
  erasableEvidence(before: WallMs, limit: number): Promise<readonly ErasableSample[]>;
}

/** The port through which people take the log along. */
export interface EvidenceArchive {
  evidenceEnd(): Promise<LogEnd | null>;
  evidenceRecords(epoch: number, from: number, limit: number): Promise<readonly KeptRecord[]>;
  /** From a size on, smallest first. */
  evidenceCheckpoints(epoch: number, from: number, limit: number): Promise<readonly KeptCheckpoint[]>;
  /** Those that a record from `from` on names, in the order of these records. */
  evidenceAnchors(epoch: number, from: number, limit: number): Promise<readonly KeptAnchor[]>;
  /** The salt of an entry of an outage, hex; `null` while no record names it. */
  evidenceSalt(entryId: number): Promise<string | null>;
}
