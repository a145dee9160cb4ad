import type { WallMs } from "../base/time.ts";
import type {
  Heartbeat,
  KeptWindow,
  ListedWindow,
  OutageArchive,
  OutageEntry,
  OutageStore,
  WindowFilter,
} from "../outage/outage-store.ts";
import type { OutageWindow } from "../outage/windows.ts";
import type { StoreLink } from "./store-link.ts";

/** The ports of the outage room, over the store's thread. What writes resolves after its commit is durable. */
export class OutageCalls implements OutageStore, OutageArchive {
  readonly #link: StoreLink;

  constructor(link: StoreLink) {
    this.#link = link;
  }

  saveWindow(window: OutageWindow, heartbeat?: Heartbeat): Promise<void> {
    return this.#link.call("outages", "save", window, heartbeat);
  }

  openWindow(): Promise<OutageWindow | null> {
    return this.#link.call("outages", "open");
  }

  lastHeartbeat(): Promise<Heartbeat | null> {
    return this.#link.call("outages", "lastBeat");
  }

  beat(heartbeat: Heartbeat): Promise<void> {
    return this.#link.call("outages", "beat", heartbeat);
  }

  listOutages(filter: WindowFilter): Promise<readonly ListedWindow[]> {
    return this.#link.call("outages", "list", filter);
  }

  showOutage(windowId: number, now: WallMs): Promise<KeptWindow | null> {
    return this.#link.call("outages", "show", windowId, now);
  }

  addOutageEntry(windowId: number, entry: OutageEntry, now: WallMs): Promise<boolean> {
    return this.#link.call("outages", "add", windowId, entry, now);
  }
}
