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
    return this.#link.call("saveWindow", window, heartbeat);
  }

  openWindow(): Promise<OutageWindow | null> {
    return this.#link.call("openWindow");
  }

  lastHeartbeat(): Promise<Heartbeat | null> {
    return this.#link.call("lastHeartbeat");
  }

  beat(heartbeat: Heartbeat): Promise<void> {
    return this.#link.call("beat", heartbeat);
  }

  listOutages(filter: WindowFilter): Promise<readonly ListedWindow[]> {
    return this.#link.call("listOutages", filter);
  }

  showOutage(windowId: number, now: WallMs): Promise<KeptWindow | null> {
    return this.#link.call("showOutage", windowId, now);
  }

  addOutageEntry(windowId: number, entry: OutageEntry, now: WallMs): Promise<boolean> {
    return this.#link.call("addOutageEntry", windowId, entry, now);
  }
}
