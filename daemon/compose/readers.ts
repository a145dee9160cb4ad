import type { Configuration, ReaderSettings as ConfiguredReader } from "../../config/configuration.ts";
import type { Feedback, Reader, ReaderEvents } from "../../drivers/contract.ts";
import { createReader, type ReaderSettings } from "../../drivers/index.ts";
import type { Log } from "../base/log.ts";
import type { Intake } from "../scan/intake.ts";
import type { DaemonPorts } from "./daemon-ports.ts";

/** Every reader of the configuration, not started. */
export function composeReaders({ readers }: Configuration, { time, log }: DaemonPorts): readonly Reader[] {
  return readers.map((reader) => createReader(readerSettings(reader), time, log));
}

/** What readers give goes to intake, and their state to the log. */
export function readerEvents(intake: Intake, log: Log): ReaderEvents {
  return {
    badgeRead: (read) => intake.badgeRead(read),
    badFrame(reader, reason) {
      intake.badFrame(reader);
      log.debug({ reader, reason }, "bad frame");
    },
    stateChanged(reader, state) {
      if (state.kind === "online") log.info({ reader, path: state.path }, "reader online");
      else log.warn({ reader, reason: state.reason, detail: state.detail }, "reader offline");
    },
  };
}

function readerSettings(reader: ConfiguredReader): ReaderSettings {
  const { id, port: path, presenceMs } = reader;
  switch (reader.driver) {
    case "rdm6300":
      return { driver: reader.driver, id, path, presenceMs };
    case "serial-line": {
      const shown = Object.entries(reader.feedback).filter(([, bytes]) => bytes !== null);
      const feedback: Partial<Record<Feedback, Uint8Array>> = Object.fromEntries(shown);
      const keys = [...reader.keys.keys()];
      return { driver: reader.driver, id, path, presenceMs, keys, line: reader.line, frame: reader.frame, feedback };
    }
  }
}
