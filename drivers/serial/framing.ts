import { BurstFramer } from "./burst-framer.ts";
import type { Framer } from "./framer.ts";
import { LineFramer } from "./line-framer.ts";

/** What ends a frame: a character, or silence. `auto` takes whichever comes first. */
export type FrameEnd = "auto" | "cr" | "lf" | "crlf" | "etx" | "idle";

/** How a reader's bytes are cut into frames. */
export type FramingSettings = {
  readonly end: FrameEnd;
  /** Silence that ends a frame. */
  readonly idleMs: number;
  /** Bytes between the framing characters; the rest of a longer frame is dropped up to the next end. */
  readonly maxBytes: number;
};

/**
 * Silence after which a begun frame is given up where only a character ends frames. Without it a byte of noise in the
 * morning would lend its time to the badge of the evening.
 */
export const unfinishedMs: number = 1_000;

export function createFramer({ end, idleMs, maxBytes }: FramingSettings): Framer {
  switch (end) {
    case "auto":
    case "idle":
      return new BurstFramer(end, idleMs, maxBytes);
    case "etx":
      return new BurstFramer(end, Math.max(idleMs, unfinishedMs), maxBytes);
    case "cr":
    case "lf":
    case "crlf":
      return new LineFramer(end, Math.max(idleMs, unfinishedMs), maxBytes);
  }
}
