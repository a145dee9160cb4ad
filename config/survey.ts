import type * as v from "valibot";
import { nearest } from "./nearest.ts";
import { type Finding, type Path, quoted } from "./problem.ts";
import { type Entries, type Shape, shapeOf } from "./shape.ts";
import type { Tree } from "./yaml-tree.ts";

/** The file's values as the schema wants to see them, where each of them stands, and what is wrong with the structure. */
export type Survey = {
  readonly value: unknown;
  readonly findings: readonly Finding[];
  /** None of its keys is one of a configuration, nor nearly: it is another file, such as the roster. */
  readonly isForeign: boolean;
  /** Offsets of the key and of the value at a path; `null` where the file has nothing. */
  readonly placeOf: (path: Path) => Spot | null;
};

export type Spot = { readonly keyStart: number; readonly valueStart: number };

/**
 * Walks file and schema side by side. A validator stops at the first unknown key of an object and checks nothing of a
 * section whose discriminator is wrong; the survey tells every unknown key, and where a key or a driver is misspelt it
 * goes on with the one that was most likely meant, so that everything below it is checked in the same pass.
 */
export function survey(tree: Tree, schema: v.GenericSchema): Survey {
  const surveyor = new Surveyor(schema);
  const value = surveyor.take(tree, schema, [], tree.start);
  return {
    value,
    findings: surveyor.findings,
    isForeign: surveyor.isForeign,
    placeOf: (path) => surveyor.spots.get(JSON.stringify(path)) ?? null,
  };
}

class Surveyor {
  readonly findings: Finding[] = [];
  readonly spots: Map<string, Spot> = new Map();
  isForeign: boolean = false;
  readonly #homes: ReadonlyMap<string, Home>;

  constructor(schema: v.GenericSchema) {
    this.#homes = homesOf(schema);
  }

  take(tree: Tree, schema: v.GenericSchema, path: Path, keyStart: number): unknown {
    this.spots.set(JSON.stringify(path), { keyStart, valueStart: tree.start });
    const shape = shapeOf(schema);
    switch (shape.kind) {
      case "section":
        return this.#section(tree, shape.entries, path, null);
      case "variant":
        return this.#variant(tree, shape, path);
      case "list": {
        if (tree.kind !== "list") return this.#misfit(tree, path, "a list, each item behind a hyphen");
        return tree.items.map((item, index) => this.take(item, shape.item, [...path, index], item.start));
      }
      case "record": {
        if (tree.kind !== "section") return this.#misfit(tree, path, "a section of KEY: VALUE lines");
        const taken: Record<string, unknown> = Object.create(null);
        for (const [key, entry] of tree.entries) {
          taken[key] = this.take(entry.tree, shape.value, [...path, key], entry.keyStart);
        }
        return taken;
      }
      case "text":
        return tree.kind === "value" && tree.value !== null ? tree.source : plain(tree);
      case "other":
        return plain(tree);
    }
  }

  /** @param others for the option of a variant: which option knows which other keys */
  #section(tree: Tree, entries: Entries, path: Path, others: Others | null): unknown {
    const known = Object.keys(entries);
    this.isForeign ||= path.length === 0 && this.#isForeign(tree, known);
    if (tree.kind !== "section" || this.isForeign)
      return this.#misfit(tree, path, `a section with the keys ${known.join(", ")}`);
    const taken: Record<string, unknown> = Object.create(null);
    for (const [key, entry] of tree.entries) {
      const schema = Object.hasOwn(entries, key) ? entries[key] : undefined;
      if (schema !== undefined) {
        taken[key] = this.take(entry.tree, schema, [...path, key], entry.keyStart);
        continue;
      }
      const meant = this.#tellUnknown(key, [...path, key], entry.keyStart, known, others);
      const meantSchema = meant === null || tree.entries.has(meant) || meant in taken ? undefined : entries[meant];
      if (meant !== null && meantSchema !== undefined) {
        taken[meant] = this.take(entry.tree, meantSchema, [...path, meant], entry.keyStart);
      }
    }
    return taken;
  }

  #isForeign(tree: Tree, known: readonly string[]): boolean {
    if (tree.kind !== "section") return false;
    const isOurs = (key: string): boolean =>
      known.includes(key) || this.#homes.has(key.toLowerCase()) || secretWord.test(key) || nearest(key, known) !== null;
    return tree.entries.size > 0 && ![...tree.entries.keys()].some(isOurs);
  }

  #variant(tree: Tree, shape: Extract<Shape, { readonly kind: "variant" }>, path: Path): unknown {
    const words = [...shape.options.keys()];
    if (tree.kind !== "section") return this.#misfit(tree, path, `a section with ${shape.key}: ${words.join(" or ")}`);
    const entry = tree.entries.get(shape.key);
    const written = entry?.tree.kind === "value" ? entry.tree.source : null;
    const meant = written === null ? null : nearest(written, words);
    const chosen = words.find((word) => word === written) ?? meant ?? mostFitting(tree, shape.options);
    if (written !== chosen) {
      const expected = `expected ${words.join(" or ")}${meant === null ? "" : `; did you mean ${meant}?`}`;
      const found = entry === undefined ? "is missing" : `is ${shown(entry.tree)}`;
      const start = entry?.tree.start ?? tree.start;
      this.findings.push({ path: [...path, shape.key], start, message: `${found}; ${expected}` });
    }
    const others = { chosen, options: shape.options };
    const taken = this.#section(tree, shape.options.get(chosen) ?? {}, path, others);
    if (typeof taken === "object" && taken !== null) Object.assign(taken, { [shape.key]: chosen });
    return taken;
  }

  /** Notes an unknown key; gives the key of this section that was most likely meant. */
  #tellUnknown(key: string, path: Path, start: number, known: readonly string[], others: Others | null): string | null {
    const tell = (message: string): void => void this.findings.push({ path, start, message });
    const owner = [...(others?.options ?? [])].find(([, entries]) => Object.hasOwn(entries, key))?.[0];
    if (owner !== undefined) {
      tell(`is a key of driver ${owner}, this reader's driver is ${others?.chosen}; remove it, or change the driver`);
      return null;
    }
    if (secretWord.test(key)) {
      const own = ["keyFile", "tokenFile"].find((name) => known.includes(name));
      const way = own === undefined ? "tokenFile of service and webhooks names it" : `name that file with ${own}`;
      tell(`is not a key: no secret stands in this file; put it in a file that only badged may read, and ${way}`);
      return null;
    }
    if (/^\d+$/.test(key) && known.includes("latitude")) {
      tell("is the rest of a number behind a comma: write it with a point, such as 51.0543");
      return null;
    }
    const meant = nearest(key, known);
    if (meant !== null) {
      tell(`is not a key here; did you mean ${meant}?`);
      return meant;
    }
    const home = this.#homes.get(key.toLowerCase());
    const spelling = home === undefined || home.key === key ? "" : `, written ${home.key}`;
    if (home !== undefined) tell(`is not a key here; it belongs in ${home.section}${spelling}`);
    else tell(`is not a key here; the keys here are ${known.join(", ")}`);
    return null;
  }

  #misfit(tree: Tree, path: Path, expected: string): unknown {
    // A whole file of text is another file, such as the roster, and would show national numbers.
    const isOther = this.isForeign || (path.length === 0 && tree.kind === "value");
    const found = isOther ? "no configuration" : shown(tree);
    this.findings.push({ path, start: tree.start, message: `is ${found}; expected ${expected}` });
    return null;
  }
}

type Others = { readonly chosen: string; readonly options: ReadonlyMap<string, Entries> };

const secretWord: RegExp = /token$|passw|secret|bearer|credential|api.?key|private.?key/i;

/** What stands at a place, in a few words. */
export function shown(tree: Tree): string {
  if (tree.kind === "section") return "a section";
  if (tree.kind === "list") return "a list";
  if (tree.value === null) return "empty";
  return typeof tree.value === "string" ? quoted(tree.value) : tree.source;
}

/** A tree without its places. Only shapes that a check then refuses come here whole. */
function plain(tree: Tree): unknown {
  if (tree.kind === "value") return tree.value;
  return tree.kind === "list" ? [] : {};
}

function mostFitting(tree: Extract<Tree, { readonly kind: "section" }>, options: ReadonlyMap<string, Entries>): string {
  const knownKeys = (entries: Entries): number =>
    [...tree.entries.keys()].filter((key) => Object.hasOwn(entries, key)).length;
  return [...options].reduce((best, each) => (knownKeys(each[1]) > knownKeys(best[1]) ? each : best))[0];
}

type Home = { readonly key: string; readonly section: string };

/** The section in which each key stands, by the key in small letters, for keys that only one section has. */
function homesOf(schema: v.GenericSchema): ReadonlyMap<string, Home> {
  const homes = new Map<string, Set<string>>();
  const visit = (each: v.GenericSchema, name: string): void => {
    const shape = shapeOf(each);
    if (shape.kind === "list") visit(shape.item, `${name}[]`);
    const all =
      shape.kind === "section" ? [shape.entries] : shape.kind === "variant" ? [...shape.options.values()] : [];
    for (const entries of all) {
      for (const [key, entry] of Object.entries(entries)) {
        homes.set(key, (homes.get(key) ?? new Set()).add(name === "" ? "the top level" : name));
        visit(entry, name === "" ? key : `${name}.${key}`);
      }
    }
  };
  visit(schema, "");
  return new Map(
    [...homes].flatMap(([key, names]) => {
      const [section] = names;
      return names.size === 1 && section !== undefined ? [[key.toLowerCase(), { key, section }]] : [];
    }),
  );
}
