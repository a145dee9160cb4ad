import { unreachable } from "../daemon/base/assert.ts";
import type { Log } from "../daemon/base/log.ts";
import type { Time } from "../daemon/base/time.ts";
import type { Reader } from "./contract.ts";
import { createRdm6300, type Rdm6300Settings } from "./rdm6300.ts";
import { createSerialLine, type SerialLineSettings } from "./serial-line.ts";

export type {
  BadFrameReason,
  BadgeRead,
  Feedback,
  FeedbackOutcome,
  OfflineReason,
  Reader,
  ReaderCounters,
  ReaderEvents,
  ReaderState,
} from "./contract.ts";
export { lineHint, type Suggestion, suggest } from "./listen/suggest.ts";
export { Listening, type ListenOutput } from "./listen.ts";
export { type Listener, type ListenerEvents, openListener } from "./listener.ts";
export type { Rdm6300Settings } from "./rdm6300.ts";
export type { FrameEnd, FramingSettings } from "./serial/framing.ts";
export type { FeedbackBytes } from "./serial/serial-reader.ts";
export type { LineSettings } from "./serial/session.ts";
export type { FrameSettings, SerialLineSettings } from "./serial-line.ts";

/** Every driver there is; a new one adds its settings here and its line below. */
export type ReaderSettings = SerialLineSettings | Rdm6300Settings;

/** @throws SyntaxError when a setting is a regular expression that is none; everything else is the configuration's to check */
export function createReader(settings: ReaderSettings, time: Time, log: Log): Reader {
  switch (settings.driver) {
    case "serial-line":
      return createSerialLine(settings, time, log);
    case "rdm6300":
      return createRdm6300(settings, time, log);
    default:
      return unreachable(settings);
  }
}
