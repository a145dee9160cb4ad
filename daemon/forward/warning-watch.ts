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
  recorded(): void {
    this.#isWoken = true;
    if (this.#isLooking || this.#lastId === null) return;
    this.#isLooking = true;
    void this.#look();
  }

  async #look(): Promise<void> {
    const { store, log } = this.#ports;
    try {
      while (this.#isWoken) {
        this.#isWoken = false;
        const slice = await store.warningsAfter(this.#lastId ?? 0, this.#timeZone);
        this.#lastId = slice.lastId;
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
