import { type MonotonicNs, monotonicNs } from "../daemon/base/time.ts";
import type { BadFrameReason } from "./contract.ts";
import type { Framer, FramerOutput } from "./serial/framer.ts";
import { createFramer } from "./serial/framing.ts";

/** What an installer is shown of a reader, as it comes. */
export type ListenOutput =
  /** `30 31 30 30`, at most 16 bytes, and the same as ASCII with a dot for what does not print. */
  | { readonly kind: "bytes"; readonly hex: string; readonly ascii: string; readonly atNs: MonotonicNs }
  | { readonly kind: "frame"; readonly ascii: string; readonly bytes: number; readonly firstByteNs: MonotonicNs }
  | { readonly kind: "bad"; readonly reason: BadFrameReason };

/** Silence between two presentations, and what ends a frame that no character ends. */
export const burstGapMs: number = 100;

/** What is kept to judge by: some minutes of presentations, at most 800 kB of noise. */
export const burstsMax: number = 200;
export const burstMaxBytes: number = 4_096;

const frameMaxBytes = 512;
const bytesPerLine = 16;

/** What a port says, made readable, and kept in bursts for `suggest`. */
export class Listening {
  readonly #framer: Framer = createFramer({ end: "auto", idleMs: burstGapMs, maxBytes: frameMaxBytes });
  readonly #closed: Uint8Array[] = [];
  #burst: number[] = [];
  #lastByteNs: MonotonicNs = monotonicNs(0n);

  /** Bytes that came together, oldest first: with less than `burstGapMs` of silence between any two. */
  get bursts(): readonly Uint8Array[] {
    return this.#burst.length === 0 ? this.#closed : [...this.#closed, Uint8Array.from(this.#burst)];
  }

  /** When `idle` is due; `null` while nothing waits for it. */
  get quietAtNs(): MonotonicNs | null {
    return this.#burst.length === 0 ? null : monotonicNs(this.#lastByteNs + BigInt(burstGapMs) * 1_000_000n);
  }

  push(chunk: Uint8Array, atNs: MonotonicNs): readonly ListenOutput[] {
    const lines: ListenOutput[] = [];
    for (let from = 0; from < chunk.length; from += bytesPerLine) {
      const part = chunk.subarray(from, from + bytesPerLine);
      lines.push({ kind: "bytes", hex: hexOf(part), ascii: asciiOf(part), atNs });
    }
    for (const byte of chunk) {
      if (this.#burst.length === burstMaxBytes) this.#closeBurst();
      this.#burst.push(byte);
    }
    this.#lastByteNs = atNs;
    return [...lines, ...this.#framer.push(chunk, atNs).map(shown)];
  }

  idle(nowNs: MonotonicNs): readonly ListenOutput[] {
    const { quietAtNs } = this;
    if (quietAtNs === null || nowNs < quietAtNs) return [];
    this.#closeBurst();
    return this.#framer.idle(nowNs).map(shown);
  }

  #closeBurst(): void {
    this.#closed.push(Uint8Array.from(this.#burst));
    if (this.#closed.length > burstsMax) this.#closed.shift();
    this.#burst = [];
  }
}

function shown(output: FramerOutput): ListenOutput {
  if (output.kind === "bad") return output;
  const { bytes, firstByteNs } = output;
  return { kind: "frame", ascii: asciiOf(bytes), bytes: bytes.length, firstByteNs };
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join(" ");
}

function asciiOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => (byte >= 0x20 && byte <= 0x7e ? String.fromCharCode(byte) : ".")).join("");
}
