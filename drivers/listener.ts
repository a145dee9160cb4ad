import { BadgedError } from "../daemon/base/errors.ts";
import type { Log } from "../daemon/base/log.ts";
import { elapsedMs, type Time } from "../daemon/base/time.ts";
import type { ReaderState } from "./contract.ts";
import { Listening, type ListenOutput } from "./listen.ts";
import type { Offline } from "./serial/offline.ts";
import { SerialConnection } from "./serial/serial-connection.ts";
import type { LineSettings } from "./serial/session.ts";

export interface ListenerEvents {
  heard(output: ListenOutput): void;
  /** The port went, or came back. */
  stateChanged(state: ReaderState): void;
}

export interface Listener extends AsyncDisposable {
  /** What came so far, for `suggest`. */
  readonly bursts: readonly Uint8Array[];
}

/**
 * Listens at a port through the same serial path as the drivers. Goes on through unplugs until it is disposed.
 *
 * @throws BadgedError `port-unusable` when the port cannot be opened now, `no-permission` when this user may not open it
 */
export async function openListener(
  path: string,
  line: LineSettings,
  events: ListenerEvents,
  time: Time,
  log: Log,
): Promise<Listener> {
  const listening = new Listening();
  const first = Promise.withResolvers<ReaderState>();
  let idleTimer: Disposable | null = null;
  let hasOpened = false;
  const awaitSilence = (): void => {
    const { quietAtNs } = listening;
    if (quietAtNs === null || idleTimer !== null) return;
    idleTimer = time.after(Math.ceil(Math.max(0, elapsedMs(time.monotonicNs(), quietAtNs))), () => {
      idleTimer = null;
      for (const output of listening.idle(time.monotonicNs())) events.heard(output);
      awaitSilence();
    });
  };
  const connection = new SerialConnection(path, line, time, log, {
    opened: () => {},
    bytes(chunk, atNs) {
      for (const output of listening.push(chunk, atNs)) events.heard(output);
      awaitSilence();
    },
    stateChanged(state) {
      first.resolve(state);
      // What cannot be opened at all is no port that went: it is thrown.
      hasOpened ||= state.kind === "online";
      if (hasOpened) events.stateChanged(state);
    },
  });
  connection.start();
  const state = await first.promise;
  if (state.kind === "offline") {
    await connection[Symbol.asyncDispose]();
    const code = state.reason === "permission" ? "no-permission" : "port-unusable";
    throw new BadgedError(code, state.detail, advice[state.reason]);
  }
  return {
    get bursts() {
      return listening.bursts;
    },
    async [Symbol.asyncDispose]() {
      await connection[Symbol.asyncDispose]();
      idleTimer?.[Symbol.dispose]();
    },
  };
}

const advice: Readonly<Record<Offline["reason"], string>> = {
  "not-found": "look in /dev/serial/by-id for the names of what is plugged in",
  permission: "run as root, or as a user of the port's group",
  busy: "stop badged, or whatever else reads from this port, while listening",
  unplugged: "plug the reader in and try again",
  deaf: "plug the reader in again and try again",
  failed: "name a serial device, such as one in /dev/serial/by-id",
};
