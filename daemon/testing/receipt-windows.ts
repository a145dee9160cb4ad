import { type WallMs, wallMs } from "../base/time.ts";
import type { ReceiptSettings } from "../forward/receipt-guard.ts";
import type { LimitKnowledge, ReceiptMemory, ReceiptWindow } from "../forward/receipt-window.ts";

const farAway = wallMs(2_000_000_000_000);

/** Lets everything go, however late: no limit is known, and the service's clock is ours. */
export const openWindow: ReceiptWindow = {
  now: farAway,
  phi: { loMs: 0, hiMs: 0 },
  transitP999Ms: 0,
  limitMs: null,
};

/** Withholds what was stamped at this moment or before it, the milliseconds of a bound apart. */
export function windowAfter(atOrBefore: WallMs): ReceiptWindow {
  // A tenth of the limit is its margin; a millisecond less, for the division is not exact.
  return { ...openWindow, limitMs: (farAway - atOrBefore - 1) / 0.9 };
}

/** Nobody told a limit. */
export const openReceipt: ReceiptSettings = { limitMs: null, late: "withhold", timeoutMs: 0 };

/** Keeps what was learnt of the limit in memory. */
export class MemoryReceipts implements ReceiptMemory {
  knowledge: LimitKnowledge | null = null;

  async receiptKnowledge(): Promise<LimitKnowledge | null> {
    return this.knowledge;
  }

  async keepReceiptKnowledge(knowledge: LimitKnowledge): Promise<void> {
    this.knowledge = knowledge;
  }
}
