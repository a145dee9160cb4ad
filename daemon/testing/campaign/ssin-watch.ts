import type { Log } from "../../base/log.ts";

/** Watches text for national numbers of a roster, whatever punctuation people or programs put in them. */
export class SsinWatch {
  readonly #ssins: ReadonlySet<string>;
  #rest = "";
  #lines = 0;
  readonly #found: string[] = [];

  constructor(ssins: Iterable<string>) {
    this.#ssins = new Set(ssins);
  }

  /** Lines looked at. */
  get lines(): number {
    return this.#lines;
  }

  /** The lines that held one, with it made unreadable; the first of them. */
  get found(): readonly string[] {
    return this.#found;
  }

  /** Text as it comes, cut anywhere. */
  add(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#look(line);
  }

  #look(line: string): void {
    this.#lines += 1;
    if (this.#found.length < foundKept && this.#holdsOne(line)) this.#found.push(line.replace(/\d/g, "#"));
  }

  #holdsOne(line: string): boolean {
    for (const [run] of line.matchAll(/\d(?:[\s./\\_:-]{0,2}\d){10,}/g)) {
      const digits = run.replace(/\D/g, "");
      for (let from = 0; from + ssinDigits <= digits.length; from += 1) {
        if (this.#ssins.has(digits.slice(from, from + ssinDigits))) return true;
      }
    }
    return false;
  }
}

/** A log of this process that is watched like a daemon's. */
export function logInto(watch: SsinWatch): Log {
  const say = (fields: object, message: string): void => watch.add(`${JSON.stringify({ ...fields, message })}\n`);
  const log: Log = { debug: say, info: say, warn: say, error: say, fatal: say, child: () => log };
  return log;
}

const ssinDigits = 11;
const foundKept = 10;
