import type { Hash } from "./merkle.ts";
import type { AnchorType } from "./record.ts";

/** A checkpoint that is on disk, and so may leave the box. */
export type AnchorRequest = {
  readonly origin: string;
  readonly size: number;
  /** The signed part of the note, with the line feed at its end. */
  readonly text: string;
  /** The whole signed note. */
  readonly note: string;
  /**
   * That the log of this epoch with `oldSize` records is a prefix of this checkpoint: what a witness asks for, which
   * answers with the size that it saw. `null` when the log never had that size.
   */
  readonly consistency: (oldSize: number) => Promise<readonly Hash[] | null>;
};

/**
 * What came of it.
 *
 * - `anchored`: `proof` is the file that a bundle has of it, the `TimeStampResp` in DER or the cosignature's line with its
 *   line feed. Verified by whoever returns it.
 * - `ahead`: a witness has seen what is not on disk: more of this origin, as many records or fewer but other ones, or a later
 *   epoch, whose number is `laterEpoch`; `size` is of what it saw. The log was rolled back.
 * - `failed`: tried again at the next occasion.
 */
export type AnchorOutcome =
  | { readonly kind: "anchored"; readonly type: AnchorType; readonly by: string; readonly proof: Uint8Array }
  | { readonly kind: "ahead"; readonly by: string; readonly size: number; readonly laterEpoch?: number }
  | { readonly kind: "failed"; readonly by: string; readonly why: string };

/** The port to somebody who is not the owner of the box: a timestamp authority, or a witness. */
export interface Anchorer {
  /** Which of both: they are asked at different intervals. */
  readonly type: AnchorType;
  /** What people know it by. */
  readonly name: string;
  /** Never rejects. Ends soon after `signal` aborts. */
  anchor(request: AnchorRequest, signal: AbortSignal): Promise<readonly AnchorOutcome[]>;
}
