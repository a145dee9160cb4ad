import type { WallMs } from "../base/time.ts";
import type { Layers } from "./layers.ts";
import type { Moment, OutageWindow } from "./windows.ts";

/** A sign of life. */
export type Heartbeat = {
  readonly at: Moment;
  /** Whether the run that wrote it came to its end in order. */
  readonly ended: boolean;
  /** What the UPS said then; `unknown` without one. */
  readonly power: Layers["power"];
  /**
   * The boot in which badged ran next and had not learned the time yet, so that nothing is told of this sign of life and none
   * of that run is written; absent while there is none.
   */
  readonly followedBy?: string;
};

/**
 * What people add to a window. Never replaced, only added to.
 *
 * - `note`: words of a supervisor.
 * - `attachment`: a file of somebody else (a provider's ticket), by name, size and SHA-256.
 * - `attempt`: somebody tried to register over another channel, and whether it worked.
 */
export type OutageEntry =
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "attachment"; readonly name: string; readonly bytes: number; readonly sha256: string }
  | { readonly kind: "attempt"; readonly channel: string; readonly worked: boolean };

export type KeptEntry = { readonly entryId: number; readonly at: WallMs; readonly entry: OutageEntry };

export type ListedWindow = {
  readonly windowId: number;
  readonly window: OutageWindow;
  /** Somebody recorded that registering over another channel worked while it lasted. */
  readonly otherChannelWorked: boolean;
};

/** A window as it is kept, with what people and the other rooms know of it. */
export type KeptWindow = ListedWindow & {
  readonly entries: readonly KeptEntry[];
  /** Scans made while it lasted that were registered later; `null` when they may have been erased since. */
  readonly delayed: number | null;
  /** Those that were kept back; they are not erased. */
  readonly withheld: number;
  /** `null` when there is none, or it may have been erased. */
  readonly firstRegisteredAfter: WallMs | null;
};

export type WindowFilter = { readonly from: WallMs | null; readonly to: WallMs | null; readonly limit: number };

/** The port through which the watch keeps what it saw. */
export interface OutageStore {
  /** Adds a window, or replaces what is kept of the one with its key while that one lasts; with a sign of life, in one commit. */
  saveWindow(window: OutageWindow, heartbeat?: Heartbeat): Promise<void>;
  /** The window that lasted when the last run ended; `null` when none did. */
  openWindow(): Promise<OutageWindow | null>;
  lastHeartbeat(): Promise<Heartbeat | null>;
  beat(heartbeat: Heartbeat): Promise<void>;
}

/** The port through which people look at outages and add to them. */
export interface OutageArchive {
  /** Newest first. */
  listOutages(filter: WindowFilter): Promise<readonly ListedWindow[]>;
  showOutage(windowId: number, now: WallMs): Promise<KeptWindow | null>;
  /** Returns whether there is such a window. */
  addOutageEntry(windowId: number, entry: OutageEntry, now: WallMs): Promise<boolean>;
}
