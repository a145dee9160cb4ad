/**
 * Which request goes to the worker thread next. Pure: it holds no timer and sends nothing.
 *
 * Scans that came while the last answer was under way leave together and before anything else, for a worker stands at
 * the reader. After `batchesInARowMax` batches one other request goes, so that a rush at the gate never starves the
 * forwarder.
 */
export const batchesInARowMax = 32;

/** Scans in one batch: some 10 ms of work, so that the first of them does not wait long for the last. */
export const batchMaxScans = 512;

export type Next<Scan, Other> =
  | { readonly kind: "batch"; readonly scans: readonly Scan[] }
  | { readonly kind: "other"; readonly other: Other };

export class RequestQueue<Scan, Other> {
  #scans: Scan[] = [];
  #others: Other[] = [];
  #batchesInARow = 0;

  addScan(scan: Scan): void {
    this.#scans.push(scan);
  }

  addOther(other: Other): void {
    this.#others.push(other);
  }

  /** Takes the next request out; `null` when there is none. */
  take(): Next<Scan, Other> | null {
    const mayBatch = this.#scans.length > 0 && (this.#others.length === 0 || this.#batchesInARow < batchesInARowMax);
    if (mayBatch) {
      const scans = this.#scans.slice(0, batchMaxScans);
      this.#scans = this.#scans.slice(batchMaxScans);
      this.#batchesInARow += 1;
      return { kind: "batch", scans };
    }
    const other = this.#others.shift();
    if (other === undefined) return null;
    this.#batchesInARow = 0;
    return { kind: "other", other };
  }

  /** Everything that waits, taken out: the worker thread is gone. */
  drain(): { readonly scans: readonly Scan[]; readonly others: readonly Other[] } {
    const drained = { scans: this.#scans, others: this.#others };
    this.#scans = [];
    this.#others = [];
    return drained;
  }
}
