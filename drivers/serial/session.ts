import { stat } from "node:fs/promises";
import { SerialPortStream } from "@serialport/stream";
import { messageOf } from "../../daemon/base/errors.ts";
import type { MonotonicNs, Time } from "../../daemon/base/time.ts";
import { type Device, deviceOf, hangUpBinding, quietMsAt } from "./hang-up-binding.ts";
import { isLocked } from "./lock-table.ts";
import { inUse, type Offline, offlineOf } from "./offline.ts";

/** The settings of a serial line. */
export type LineSettings = {
  readonly baudRate: number;
  readonly dataBits: 7 | 8;
  readonly parity: "none" | "even" | "odd";
  readonly stopBits: 1 | 2;
};

export interface SessionEvents {
  /** `chunk` is valid during the call only; `atNs` was taken before anything else was done. */
  bytes(chunk: Uint8Array, atNs: MonotonicNs): void;
  /** The device is gone and the port closed. Called at most once, never after `close`. */
  lost(offline: Offline): void;
}

/** One opening of one port: what is written to it can never arrive at the next. */
export interface Session {
  readonly device: Device;
  /** Silence after which what comes is the beginning of a frame; `null` where the line was silent when it was opened. */
  readonly midFrameMs: number | null;
  /** Why a byte with an error of parity or framing is read like any other; `null` where it is read as NUL. */
  readonly unmarked: string | null;
  /** `false` when the bytes of an earlier write wait still: nothing is ever queued. `failed` is called when they cannot leave. */
  write(bytes: Uint8Array, failed: () => void): boolean;
  /** Resolves when the port is closed. */
  close(): Promise<void>;
}

export type OpenOutcome =
  | { readonly kind: "opened"; readonly session: Session }
  | { readonly kind: "failed"; readonly offline: Offline };

/** A badge is some dozens of bytes: a small buffer keeps a box with many readers small. */
const readBufferBytes: number = 4096;

/** What is at the path now, links followed; `null` for nothing. */
export async function deviceAt(path: string): Promise<Device | null> {
  try {
    return deviceOf(await stat(path, { bigint: true }));
  } catch (error) {
    if (offlineOf(error, path).reason === "not-found") return null;
    throw error;
  }
}

export async function openSession(
  path: string,
  line: LineSettings,
  time: Time,
  events: SessionEvents,
): Promise<OpenOutcome> {
  try {
    const stats = await stat(path, { bigint: true });
    if (!stats.isCharacterDevice()) {
      return { kind: "failed", offline: { reason: "failed", detail: `${path} is no serial device` } };
    }
    if (await isLocked(stats)) return { kind: "failed", offline: inUse(path) };
    return { kind: "opened", session: await open(path, line, time, events) };
  } catch (error) {
    return { kind: "failed", offline: offlineOf(error, path) };
  }
}

async function open(path: string, line: LineSettings, time: Time, events: SessionEvents): Promise<Session> {
  const stream = new SerialPortStream({
    binding: hangUpBinding(time),
    path,
    ...line,
    // It would drop DTR at the end, which resets the readers that are powered by it. The library sets the flag and never
    // clears it: where the port has it of its own, as a USB adapter's does by default, DTR drops all the same.
    hupcl: false,
    autoOpen: false,
    highWaterMark: readBufferBytes,
  });
  let isOver = false;
  // An unplug during a write gives an error and two closes; the first of them tells.
  const lose = (detail: string): void => {
    if (isOver) return;
    isOver = true;
    const offline: Offline = { reason: "unplugged", detail };
    const done = (): void => {
      stream.destroy();
      events.lost(offline);
    };
    if (stream.port === undefined) done();
    else stream.port.close().then(done, done);
  };
  stream.on("data", (chunk: Buffer) => {
    const atNs = time.monotonicNs();
    if (!isOver) events.bytes(chunk, atNs);
  });
  stream.on("error", (error: Error) => lose(messageOf(error)));
  stream.on("close", (error: Error | null | undefined) => lose(error?.message ?? "the port closed"));
  await new Promise<void>((resolve, reject) => {
    stream.open((error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
  const port = stream.port;
  if (port === undefined || isOver) throw new Error("the device went while the port was opened");
  return {
    device: port.device,
    unmarked: port.unmarked,
    midFrameMs: port.isMidFrame ? quietMsAt(line.baudRate) : null,
    write(bytes, failed) {
      if (isOver || port.isWriting) return false;
      // Not through the stream, which is told a turn later that a light is written, and would drop the next one until then.
      port.write(Buffer.from(bytes)).catch((error: unknown) => {
        failed();
        lose(messageOf(error));
      });
      return true;
    },
    async close() {
      isOver = true;
      await port.close();
      stream.destroy();
    },
  };
}
