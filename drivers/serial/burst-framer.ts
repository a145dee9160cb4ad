import { type MonotonicNs, monotonicNs } from "../../daemon/base/time.ts";
import { etx, frameEnds, stx } from "./control.ts";
import type { Framer, FramerOutput } from "./framer.ts";
import { quietAfter } from "./quiet.ts";

/** IDTECK's is one byte, others write theirs as two hexadecimal digits. */
const checksumMaxBytes = 2;

/**
 * Frames by STX, ETX and silence.
 *
 * | mode | begins at | ends at | silence |
 * | --- | --- | --- | --- |
 * | `auto` | STX or any other byte | CR, LF, ETX, EOT | ends the frame |
 * | `etx` | STX | ETX | gives it up |
 * | `idle` | any byte | – | ends the frame |
 *
 * An STX inside a frame begins another: what stood before it was cut short. Ends that follow an end close nothing, so the
 * `CR LF ETX` of an ID-12LA closes one frame.
 *
 * With `etx` what comes without STX is no frame, and is told as a bad one up to the next end: a reader that sends otherwise
 * than this, or at another speed, would be silent else, and whoever badges at it unseen. Right behind an ETX may stand a
 * checksum, which is passed over.
 */
export class BurstFramer implements Framer {
  readonly #mode: "auto" | "etx" | "idle";
  readonly #silenceMs: number;
  readonly #buffer: Uint8Array;
  #length: number = 0;
  #overlong: boolean = false;
  /** What is being read began without STX, where a frame begins with it. */
  #stray: boolean = false;
  /** What comes now, or is being read, follows an ETX. */
  #behindEtx: boolean = false;
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
    } else if (this.#isEnd(byte)) {
      if (this.#stray) this.#giveUp(out, byte !== etx);
      else if (this.#firstByteNs !== null) this.#finish(out);
    } else if (this.#mode === "auto" || this.#firstByteNs !== null) {
      this.#append(byte, atNs, out);
    } else {
      this.#stray = true;
      this.#append(byte, atNs, out);
    }
  }

  #isEnd(byte: number): boolean {
    const isInFrame = this.#firstByteNs !== null && !this.#stray;
    return this.#mode === "etx" && isInFrame ? byte === etx : frameEnds.has(byte);
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
    this.#behindEtx = true;
  }

  /** @param isLine it had the end of a line */
  #giveUp(out: FramerOutput[], isLine: boolean = false): void {
    if (this.#length > (this.#stray && this.#behindEtx ? checksumMaxBytes : 0)) {
      const line = isLine ? { line: this.#buffer.slice(0, this.#length) } : {};
      out.push({ kind: "bad", reason: "wrong-length", ...line });
    }
    this.#reset();
  }

  #reset(): void {
    this.#length = 0;
    this.#overlong = false;
    this.#stray = false;
    this.#behindEtx = false;
    this.#firstByteNs = null;
  }
}
