import type { BadgeForm } from "../daemon/base/badge-form.ts";
import type { Finding, Path } from "./problem.ts";
import { badgeForms } from "./schema/reader.ts";

/** Something that is wrong only beside something else. The message says what would come of it. */
export type Consequence = Omit<Finding, "start">;

/** Values nobody has checked yet, looked at one step at a time. */
export class Values {
  readonly #value: unknown;
  readonly path: Path;

  constructor(value: unknown, path: Path = []) {
    this.#value = value;
    this.path = path;
  }

  child(step: string | number): Values {
    const holder = this.#value;
    const own = typeof holder === "object" && holder !== null && Object.hasOwn(holder, step);
    const value = own ? (holder as Readonly<Record<string | number, unknown>>)[step] : undefined;
    return new Values(value, [...this.path, step]);
  }

  list(step: string): readonly Values[] {
    const child = this.child(step);
    return Array.isArray(child.#value) ? child.#value.map((_, index) => child.child(index)) : [];
  }

  isSection(): boolean {
    return typeof this.#value === "object" && this.#value !== null && !Array.isArray(this.#value);
  }

  keys(): readonly string[] {
    return typeof this.#value === "object" && this.#value !== null ? Object.keys(this.#value) : [];
  }

  text(step: string): string | null {
    const value = this.child(step).#value;
    return typeof value === "string" ? value : null;
  }

  number(step: string): number | null {
    const value = this.child(step).#value;
    return typeof value === "number" ? value : null;
  }

  form(step: string, otherwise: BadgeForm | null): BadgeForm | null {
    const child = this.child(step);
    return child.#value === undefined ? otherwise : (badgeForms.find((form) => form === child.#value) ?? null);
  }
}

/** Calls `told` for every item whose `keyOf` an earlier item has. */
export function repeats(
  items: readonly Values[],
  step: string,
  keyOf: (written: string) => string,
  told: (first: Values) => string,
): readonly Consequence[] {
  const firsts = new Map<string, Values>();
  const found: Consequence[] = [];
  for (const item of items) {
    const written = item.text(step);
    if (written === null) continue;
    const first = firsts.get(keyOf(written));
    if (first === undefined) firsts.set(keyOf(written), item);
    else found.push({ path: [...item.path, step], message: told(first) });
  }
  return found;
}
