import { type MonotonicNs, monotonicNs } from "../../daemon/base/time.ts";
import { etx, frameEnds, stx } from "./control.ts";
import type { Framer, FramerOutput } from "./framer.ts";
import { quietAfter } from "./quiet.ts";

/**
 * Frames by STX, ETX and silence.
 *
 * | mode | begins at | ends at | silence |
 * | --- | --- | --- | --- |
 * | `auto` | STX or any other byte | CR, LF, ETX, EOT | ends the frame |
 * | `etx` | STX; bytes outside are passed over | ETX | gives it up |
 * | `idle` | any byte | – | ends the frame |
 *
 * An STX inside a frame begins another: what stood before it was cut short. Ends that follow an end close nothing, so the
 * `CR LF ETX` of an ID-12LA closes one frame.
 */
export class BurstFramer implements Framer {
  readonly #mode: "auto" | "etx" | "idle";
  readonly #silenceMs: number;
  readonly #buffer: Uint8Array;
  #length: number = 0;
  #overlong: boolean = false;
  /** `null` between frames. */
  #firstByteNs: MonotonicNs | null = null;
  #lastByteNs: MonotonicNs = monotonicNs(0n);

  constructor(mode: "auto" | "etx" | "idle", silenceMs: number, maxBytes: number) {
    this.#mode = mode;
    this.#silenceMs = silenceMs;
    this.#buffer = new Uint8Array(maxBytes);
  }

  get quietAtNs(): MonotonicNs | null {
    return this.#firstByteNs === null ? null : quietAfter(this.#lastByteNs, this.#silenceMs);
  }

  get bufferedBytes(): number {
    return this.#length;
  }

  push(chunk: Uint8Array, atNs: MonotonicNs): readonly FramerOutput[] {
    const out: FramerOutput[] = [];
    for (const byte of chunk) this.#take(byte, atNs, out);
    this.#lastByteNs = atNs;
    return out;
  }

  idle(nowNs: MonotonicNs): readonly FramerOutput[] {
    const quietAtNs = this.quietAtNs;
    if (quietAtNs === null || nowNs < quietAtNs) return [];
    const out: FramerOutput[] = [];
    if (this.#mode === "etx") this.#giveUp(out);
    else this.#finish(out);
    return out;
  }

  #take(byte: number, atNs: MonotonicNs, out: FramerOutput[]): void {
    if (this.#mode === "idle") {
      this.#append(byte, atNs, out);
    } else if (byte === stx) {
      this.#giveUp(out);
      this.#firstByteNs = atNs;
    } else if (this.#mode === "etx" ? byte === etx : frameEnds.has(byte)) {
      if (this.#firstByteNs !== null) this.#finish(out);
    } else if (this.#mode === "auto" || this.#firstByteNs !== null) {
      this.#append(byte, atNs, out);
    }
  }

  #append(byte: number, atNs: MonotonicNs, out: FramerOutput[]): void {
    this.#firstByteNs ??= atNs;
    if (this.#overlong) return;
    if (this.#length < this.#buffer.length) {
      this.#buffer[this.#length] = byte;
      this.#length += 1;
      return;
    }
    this.#overlong = true;
    this.#length = 0;
    out.push({ kind: "bad", reason: "too-long" });
  }

  #finish(out: FramerOutput[]): void {
    if (!this.#overlong && this.#firstByteNs !== null) {
      if (this.#length === 0) out.push({ kind: "bad", reason: "empty" });
      else out.push({ kind: "frame", bytes: this.#buffer.slice(0, this.#length), firstByteNs: this.#firstByteNs });
    }
    this.#reset();
  }

  #giveUp(out: FramerOutput[]): void {
    if (this.#length > 0) out.push({ kind: "bad", reason: "wrong-length" });
    this.#reset();
  }

  #reset(): void {
    this.#length = 0;
    this.#overlong = false;
    this.#firstByteNs = null;
  }
}
