import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { remarkOf } from "./ciao/remarks/warning-kinds.ts";
import type { WarningStore } from "./scan-warnings.ts";

export const warningEvents = {
  foreseen: "scan may get a remark",
  failed: "remarks could not be foreseen",
} as const;

/** Tells the log what can be foreseen of each scan that is stored, once, while it is on its way to the service. */
export class WarningWatch {
  readonly #ports: { readonly store: WarningStore; readonly log: Log };
  readonly #timeZone: string;
  /** `null` until the newest scan of earlier runs is known. */
  #lastId: number | null = null;
  #isLooking = false;
  #isWoken = false;

  constructor(ports: { readonly store: WarningStore; readonly log: Log }, timeZone: string) {
    this.#ports = ports;
    this.#timeZone = timeZone;
  }

  /** Before the first badge is taken; what is already stored was told when it was. */
  async start(): Promise<void> {
    this.#lastId = await this.#ports.store.newestScan();
  }

  /** A scan was stored. Never holds it up. */
  recorded(scanId: number): void {
    this.#isWoken = true;
    // The database was begun anew while badged runs, and its ids with it.
    if (this.#lastId !== null && scanId <= this.#lastId) this.#lastId = scanId - 1;
    if (this.#isLooking || this.#lastId === null) return;
    this.#isLooking = true;
    void this.#look();
  }

  async #look(): Promise<void> {
    const { store, log } = this.#ports;
    try {
      while (this.#isWoken) {
        this.#isWoken = false;
        const afterId = this.#lastId ?? 0;
        const slice = await store.warningsAfter(afterId, this.#timeZone);
        if (this.#lastId === afterId) this.#lastId = slice.lastId;
        if (slice.more) this.#isWoken = true;
        for (const { scanId, warnings } of slice.warned) {
          log.warn({ scanId, warnings, remarks: warnings.map((kind) => remarkOf[kind]) }, warningEvents.foreseen);
        }
      }
    } catch (error) {
      // The next scan looks at these again.
      log.warn({ error: messageOf(error) }, warningEvents.failed);
    } finally {
      this.#isLooking = false;
    }
  }
}
