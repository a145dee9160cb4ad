import { elapsedMs, type MonotonicNs, type Time } from "../base/time.ts";
import type { EvidenceStore, WindowScans } from "./evidence-store.ts";
import type { RecordContent } from "./record.ts";
import { parseLine } from "./record-line.ts";

/** What becomes of the scans of a window is told until this long after its end. */
export const countScansMs: number = 24 * 3_600_000;

/** `told` is what the log says of the window's scans; `null` when it says nothing. */
type Counted = { readonly atNs: MonotonicNs; readonly told: WindowScans | null | "not looked up" };

/** What became of the scans of windows that are over: counted at each commit, and told as it changes. */
export class WindowScanCounts {
  readonly #store: Pick<EvidenceStore, "windowScans" | "recordsOfWindow">;
  readonly #time: Time;
  readonly #windows: Map<string, Counted> = new Map();

  constructor(store: Pick<EvidenceStore, "windowScans" | "recordsOfWindow">, time: Time) {
    this.#store = store;
    this.#time = time;
  }

  /** Its scans are told at the next count, whatever they come to. */
  ended(window: string): void {
    this.#windows.set(window, { atNs: this.#time.monotonicNs(), told: null });
  }

  /** It ended in an earlier run, in which its scans may have been told of. */
  endedBefore(window: string): void {
    this.#windows.set(window, { atNs: this.#time.monotonicNs(), told: "not looked up" });
  }

  /**
   * Counts anew. What is told before the store fails stays told.
   *
   * @param tell is given what the log has not
   * @returns whether there was anything
   */
  async count(tell: (content: RecordContent) => void): Promise<boolean> {
    let hasTold = false;
    const nowNs = this.#time.monotonicNs();
    for (const [window, { atNs, told }] of this.#windows) {
      const scans = await this.#store.windowScans(window);
      const known = told === "not looked up" ? await this.#toldOf(window) : told;
      if (elapsedMs(atNs, nowNs) > countScansMs) this.#windows.delete(window);
      else this.#windows.set(window, { atNs, told: scans ?? known });
      if (scans === null || isSame(scans, known)) continue;
      tell({ kind: "scans", data: { window, ...scans } });
      hasTold = true;
    }
    return hasTold;
  }

  async #toldOf(window: string): Promise<WindowScans | null> {
    const line = (await this.#store.recordsOfWindow("scans", window)).at(-1);
    const parsed = line === undefined ? null : parseLine(line);
    return parsed?.kind === "record" && parsed.record.kind === "scans" ? parsed.record.data : null;
  }
}

function isSame(one: WindowScans, other: WindowScans | null): boolean {
  return (
    other !== null &&
    one.delayed === other.delayed &&
    one.withheld === other.withheld &&
    one.registered === other.registered
  );
}
