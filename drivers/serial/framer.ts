import type { MonotonicNs } from "../../daemon/base/time.ts";
import type { BadFrameReason } from "../contract.ts";

export type FramerOutput =
  | { readonly kind: "frame"; readonly bytes: Uint8Array; readonly firstByteNs: MonotonicNs }
  /** `line` where what came without STX is a line all the same: a reader says such things of itself. */
  | { readonly kind: "bad"; readonly reason: BadFrameReason; readonly line?: Uint8Array };

/**
 * Cuts bytes into frames, each with the time of the event that delivered its first byte. Knows no timers: the shell
 * calls `idle` when `quietAtNs` has come. One framer serves one opening of one port, so that the bytes of two never meet.
 */
export interface Framer {
  push(chunk: Uint8Array, atNs: MonotonicNs): readonly FramerOutput[];
  /** Ends what silence ends; nothing before `quietAtNs`. */
  idle(nowNs: MonotonicNs): readonly FramerOutput[];
  /** When `idle` is due; `null` while no frame has begun. */
  readonly quietAtNs: MonotonicNs | null;
  /** Bytes held back, at most `maxBytes` and two. */
  readonly bufferedBytes: number;
}
