import type { WebhookCursor, WebhookScan, WebhookSkip } from "../forward/webhook/cursor.ts";
import type { StoreLink } from "./store-link.ts";

/** The port of the webhooks, over the store's thread. What writes resolves after its commit is durable. */
export class WebhookCalls implements WebhookCursor {
  readonly #link: StoreLink;
  readonly #storeId: () => string;

  constructor(link: StoreLink, storeId: () => string) {
    this.#link = link;
    this.#storeId = storeId;
  }

  get storeId(): string {
    return this.#storeId();
  }

  next(target: string, limit: number): Promise<readonly WebhookScan[]> {
    return this.#link.call("core", "webhookScans", target, limit);
  }

  advance(
    target: string,
    scanId: number,
    skipped: { readonly scanId: number; readonly reason: string } | null,
    readFrom: string,
  ): Promise<void> {
    return this.#link.call("core", "advanceWebhook", target, scanId, skipped, readFrom);
  }

  /** The webhooks that refused a scan, and in which words. */
  skips(scanId: number): Promise<readonly WebhookSkip[]> {
    return this.#link.call("core", "webhookSkips", scanId);
  }

  /** Tells which webhooks are configured; the cursors of all others are forgotten and hold nothing back any more. */
  retain(targets: readonly string[]): Promise<void> {
    return this.#link.call("core", "retainWebhooks", targets);
  }
}
