import type { Log } from "../daemon/base/log.ts";
import type { Time } from "../daemon/base/time.ts";
import type { Reader } from "./contract.ts";
import { createFramer } from "./serial/framing.ts";
import { type Decoded, isPrintable, withoutFraming } from "./serial/line-decoder.ts";
import { SerialReader } from "./serial/serial-reader.ts";
import type { LineSettings } from "./serial/session.ts";

/** RDM6300 and those that send alike (RDM630, ID-12LA, ID-20LA): 125 kHz, EM4100 tags. It takes no feedback. */
export type Rdm6300Settings = {
  readonly driver: "rdm6300";
  readonly id: string;
  readonly path: string;
  readonly presenceMs: number;
};

const line: LineSettings = { baudRate: 9600, dataBits: 8, parity: "none", stopBits: 1 };

/** Ten digits of the tag, two of the checksum. */
const frameChars = 12;

/** A frame is 12 bytes, 14 from an ID-12LA; what is longer is noise. */
export const rdm6300FrameMaxBytes: number = 32;

export function createRdm6300({ id, path, presenceMs }: Rdm6300Settings, time: Time, log: Log): Reader {
  const framing = { end: "etx", idleMs: 0, maxBytes: rdm6300FrameMaxBytes } as const;
  return new SerialReader(
    { id, path, line, presenceMs, feedback: {}, createFramer: () => createFramer(framing), decode: decodeRdm6300 },
    time,
    log,
  );
}

/**
 * What stands between STX and ETX: ten hexadecimal digits, most significant first, and the XOR of the five bytes they
 * say. ID-12LA and ID-20LA put CR LF behind.
 */
export function decodeRdm6300(frame: Uint8Array): Decoded {
  const text = withoutFraming(frame);
  if (!isPrintable(text)) return { kind: "bad", reason: "not-printable" };
  if (text.length !== frameChars) return { kind: "bad", reason: "wrong-length" };
  if (!/^[0-9A-F]+$/i.test(text)) return { kind: "bad", reason: "pattern-mismatch" };
  if (Buffer.from(text, "hex").reduce((sum, byte) => sum ^ byte, 0) !== 0)
    return { kind: "bad", reason: "bad-checksum" };
  return { kind: "badge", text: text.slice(0, 10).toUpperCase() };
}
