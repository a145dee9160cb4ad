import { closeSync, openSync, writeSync } from "node:fs";
import type { Registration } from "./registration.ts";
import { wireRegistration } from "./wire-registration.ts";

/**
 * Appends every accepted registration to a file, one JSON object a line in the form of `wireRegistration`, before the
 * call is answered: so that another process can hold its account against what the service received. The file holds
 * national numbers, so only its owner reads it. It is not synced: it has to outlive the process, not the power.
 */
export class Journal implements Disposable {
  readonly #descriptor: number;

  constructor(path: string) {
    this.#descriptor = openSync(path, "a", 0o600);
  }

  append(registrations: readonly Registration[]): void {
    if (registrations.length === 0) return;
    const lines = registrations.map((each) => `${JSON.stringify(wireRegistration(each, each.remarksAtReceipt))}\n`);
    const bytes = Buffer.from(lines.join(""));
    for (let written = 0; written < bytes.length; ) written += writeSync(this.#descriptor, bytes, written);
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}
