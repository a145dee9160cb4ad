import type { Time } from "../base/time.ts";
import { PseudoTerminal } from "./pseudo-terminal.ts";

/** How the simulated reader sends a badge: as an RDM6300 does, or as a line of text that ends in CR LF. */
export type ReaderStyle = "rdm6300" | "serial-line";

export type ReaderSimulatorOptions = {
  /** Where the port appears; `null` takes the pseudo-terminal's own path. */
  readonly link: string | null;
  readonly style: ReaderStyle;
  /** What the daemon writes to the reader. */
  readonly onFeedback: (bytes: Uint8Array) => void;
};

/** An RDM6300 sends its frame again this often while a card is held to it. */
export const repeatMs: number = 50;

/** A badge reader on a pseudo-terminal, which a daemon reads through the same serial path as hardware. */
export class ReaderSimulator implements AsyncDisposable {
  readonly #terminal: PseudoTerminal;
  readonly #style: ReaderStyle;
  readonly #time: Time;
  #held: Disposable | null = null;

  private constructor(terminal: PseudoTerminal, style: ReaderStyle, time: Time) {
    this.#terminal = terminal;
    this.#style = style;
    this.#time = time;
  }

  /** @throws Error with the system's code when the machine gives no pseudo-terminal or the link cannot be made */
  static async open({ link, style, onFeedback }: ReaderSimulatorOptions, time: Time): Promise<ReaderSimulator> {
    return new ReaderSimulator(await PseudoTerminal.open(link, onFeedback), style, time);
  }

  /** The port to name in a configuration. */
  get path(): string {
    return this.#terminal.path;
  }

  get isPlugged(): boolean {
    return this.#terminal.isPlugged;
  }

  /** Shows a badge once. `false` when the reader is unplugged or nobody has read its bytes for long. */
  present(badge: string): boolean {
    return this.send(encodeBadge(badge, this.#style));
  }

  /** Holds a badge to the reader until the result is disposed, or another badge is held. */
  hold(badge: string): Disposable {
    this.#held?.[Symbol.dispose]();
    const frame = encodeBadge(badge, this.#style);
    this.send(frame);
    this.#held = this.#time.every(repeatMs, () => this.send(frame));
    return this.#held;
  }

  /** Sends any bytes at all: noise, half a frame. `false` when not all of them were taken. */
  send(bytes: Uint8Array): boolean {
    return this.#terminal.write(bytes) === bytes.length;
  }

  /** Hangs as readers do: sends still, but takes no feedback until it is plugged in again. */
  stall(): void {
    this.#terminal.stall();
  }

  /** Resolves when the port is gone. */
  unplug(): Promise<void> {
    return this.#terminal.unplug();
  }

  replug(): void {
    this.#terminal.replug();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#held?.[Symbol.dispose]();
    await this.#terminal[Symbol.asyncDispose]();
  }
}

/**
 * The bytes of one presentation. An RDM6300 sends STX, ten hexadecimal digits, their five bytes' XOR, ETX.
 *
 * @throws RangeError when the style cannot say the badge
 */
export function encodeBadge(badge: string, style: ReaderStyle): Uint8Array {
  switch (style) {
    case "serial-line":
      if (!/^[\x20-\x7e]+$/.test(badge)) throw new RangeError("a line holds printable characters, at least one");
      return Buffer.from(`${badge}\r\n`, "latin1");
    case "rdm6300": {
      if (!/^[0-9A-F]{10}$/i.test(badge)) throw new RangeError("an RDM6300 sends badges of ten hexadecimal digits");
      const checksum = Buffer.from(badge, "hex").reduce((xor, byte) => xor ^ byte, 0);
      const digits = badge + checksum.toString(16).padStart(2, "0");
      return Buffer.from(`\x02${digits.toUpperCase()}\x03`, "latin1");
    }
  }
}
