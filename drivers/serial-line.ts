import type { Log } from "../daemon/base/log.ts";
import type { Time } from "../daemon/base/time.ts";
import type { Reader } from "./contract.ts";
import { createFramer, type FramingSettings } from "./serial/framing.ts";
import { quietMsAt } from "./serial/hang-up-binding.ts";
import { createLineDecoder, type LineDecoderSettings } from "./serial/line-decoder.ts";
import { type FeedbackBytes, SerialReader } from "./serial/serial-reader.ts";
import type { LineSettings } from "./serial/session.ts";

export type FrameSettings = FramingSettings & LineDecoderSettings;

/** Any reader or scanner that sends text over a serial line. */
export type SerialLineSettings = {
  readonly driver: "serial-line";
  readonly id: string;
  readonly path: string;
  readonly line: LineSettings;
  readonly frame: FrameSettings;
  readonly presenceMs: number;
  /** What a worker may press before he badges, and the reader then sends in front of the badge. */
  readonly keys?: readonly string[];
  readonly feedback: FeedbackBytes;
};

/** @throws SyntaxError when the frame's pattern is no regular expression */
export function createSerialLine(settings: SerialLineSettings, time: Time, log: Log): Reader {
  const { id, path, line, frame, presenceMs, keys = [], feedback } = settings;
  // On a slow line less silence is between two characters of one badge, and each would be kept as a badge of its own.
  const framing = { ...frame, idleMs: Math.max(frame.idleMs, quietMsAt(line.baudRate)) };
  const parts = { id, path, line, presenceMs, keys, feedback };
  return new SerialReader(
    { ...parts, createFramer: () => createFramer(framing), decode: createLineDecoder(frame) },
    time,
    log,
  );
}
