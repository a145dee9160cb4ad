import { ReadlineParser } from "@serialport/parser-readline";
import { assert } from "../../daemon/base/assert.ts";
import { type MonotonicNs, monotonicNs } from "../../daemon/base/time.ts";
import { cr, frameEnds, lf } from "./control.ts";
import type { Framer, FramerOutput } from "./framer.ts";
import { quietAfter } from "./quiet.ts";

const delimiters: Readonly<Record<"cr" | "lf" | "crlf", readonly number[]>> = { cr: [cr], lf: [lf], crlf: [cr, lf] };

/**
 * Frames by an explicit line end, through ReadlineParser. The parser has no limit of its own (13 MB were held without a
 * newline), so a gate before it passes at most `maxBytes` and one byte of a line, by which a line that was cut shows.
 * The parser hands its delimiters out too: so every byte of a line is accounted for, and its first one's time is known.
 */
export class LineFramer implements Framer {
  readonly #delimiter: readonly number[];
  readonly #silenceMs: number;
  readonly #maxBytes: number;
  /** Ends of another kind, such as the LF after the CR: they stay out of the next line, whose time they are not. */
  readonly #leftovers: ReadonlySet<number>;
  #parser: ReadlineParser;
  /** Bytes in the parser that no line has taken out yet, with their times. */
  #arrivals: { bytes: number; readonly atNs: MonotonicNs }[] = [];
  /** Bytes of the current line that have passed the gate. */
  #passed: number = 0;
  #dropping: boolean = false;
  #previous: number = -1;
  #lastByteNs: MonotonicNs = monotonicNs(0n);

  constructor(end: "cr" | "lf" | "crlf", silenceMs: number, maxBytes: number) {
    this.#delimiter = delimiters[end];
    this.#silenceMs = silenceMs;
    this.#maxBytes = maxBytes;
    this.#leftovers = new Set([...frameEnds].filter((byte) => !this.#delimiter.includes(byte)));
    this.#parser = createParser(this.#delimiter);
  }

  get quietAtNs(): MonotonicNs | null {
    return this.#passed === 0 ? null : quietAfter(this.#lastByteNs, this.#silenceMs);
  }

  get bufferedBytes(): number {
    return this.#parser.buffer.length;
  }

  push(chunk: Uint8Array, atNs: MonotonicNs): readonly FramerOutput[] {
    const passed = this.#gate(chunk);
    this.#lastByteNs = atNs;
    if (passed.length === 0) return [];
    this.#arrivals.push({ bytes: passed.length, atNs });
    this.#parser.write(passed);
    return this.#lines();
  }

  idle(nowNs: MonotonicNs): readonly FramerOutput[] {
    const quietAtNs = this.quietAtNs;
    if (quietAtNs === null || nowNs < quietAtNs) return [];
    const reason = this.#dropping ? "too-long" : "wrong-length";
    this.#parser.destroy();
    this.#parser = createParser(this.#delimiter);
    this.#arrivals = [];
    this.#beginLine();
    return [{ kind: "bad", reason }];
  }

  #gate(chunk: Uint8Array): Buffer {
    const out = Buffer.alloc(chunk.length + this.#delimiter.length);
    let length = 0;
    for (const byte of chunk) {
      if (this.#passed === 0 && this.#leftovers.has(byte)) continue;
      if (this.#endsLine(byte)) {
        const end = this.#dropping ? this.#delimiter : [byte];
        out.set(end, length);
        length += end.length;
        this.#beginLine();
        continue;
      }
      this.#previous = byte;
      if (this.#passed <= this.#maxBytes) {
        out[length] = byte;
        length += 1;
        this.#passed += 1;
      } else {
        this.#dropping = true;
      }
    }
    return out.subarray(0, length);
  }

  #endsLine(byte: number): boolean {
    const [first, second] = this.#delimiter;
    return second === undefined ? byte === first : byte === second && this.#previous === first;
  }

  #beginLine(): void {
    this.#passed = 0;
    this.#dropping = false;
    this.#previous = -1;
  }

  #lines(): readonly FramerOutput[] {
    const out: FramerOutput[] = [];
    for (let line: unknown = this.#parser.read(); line !== null; line = this.#parser.read()) {
      assert(typeof line === "string", "a parser with an encoding gives strings");
      const firstByteNs = this.#account(line.length);
      const bytes = Buffer.from(line.slice(0, -this.#delimiter.length), "latin1");
      if (bytes.length > this.#maxBytes) out.push({ kind: "bad", reason: "too-long" });
      else if (bytes.length === 0) out.push({ kind: "bad", reason: "empty" });
      else out.push({ kind: "frame", bytes, firstByteNs });
    }
    return out;
  }

  /** Takes a line's bytes off the arrivals; the time of its first one. */
  #account(lineBytes: number): MonotonicNs {
    const first = this.#arrivals[0];
    assert(first !== undefined, "a line came in with some chunk");
    let rest = lineBytes;
    while (rest > 0) {
      const arrival = this.#arrivals[0];
      assert(arrival !== undefined, "every byte of a line came in with some chunk");
      const taken = Math.min(rest, arrival.bytes);
      arrival.bytes -= taken;
      rest -= taken;
      if (arrival.bytes === 0) this.#arrivals.shift();
    }
    return first.atNs;
  }
}

/** `latin1` keeps one character per byte; object mode keeps one read per line. */
function createParser(delimiter: readonly number[]): ReadlineParser {
  return new ReadlineParser({
    delimiter: [...delimiter],
    encoding: "latin1",
    includeDelimiter: true,
    readableObjectMode: true,
  });
}
