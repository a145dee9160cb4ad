import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  parseDocument,
  type YAMLError,
  type YAMLMap,
} from "yaml";
import { withoutSsins } from "../daemon/base/identifiers.ts";
import type { Finding, Path, Position } from "./problem.ts";

/** A YAML file in which everything knows where it stands. Knows YAML, knows nothing of what badged expects. */
export type Tree =
  | { readonly kind: "section"; readonly start: number; readonly entries: ReadonlyMap<string, Entry> }
  | { readonly kind: "list"; readonly start: number; readonly items: readonly Tree[] }
  | {
      readonly kind: "value";
      readonly start: number;
      readonly value: string | number | boolean | null;
      /** The characters of the file without quotes: tells `007` from `7`. */
      readonly source: string;
    };

export type Entry = { readonly keyStart: number; readonly tree: Tree };

export type YamlFile = {
  /** `null` when there is nothing but comments, or nothing that can be understood. */
  readonly root: Tree | null;
  readonly findings: readonly Finding[];
  /** Offset of the last key before the first place that is no YAML; `null` when all of the text is YAML. */
  readonly understoodTo: number | null;
  readonly positionOf: (offset: number) => Position;
};

/** Deeper than any configuration; bounds what reading may take. */
export const depthMax: number = 32;

export function readYaml(text: string): YamlFile {
  const positionOf = positionsIn(text);
  const parsed = parse(text);
  if (parsed === null) return { root: null, findings: [tooDeep(0)], understoodTo: 0, positionOf };
  const gardener = new Gardener(positionOf);
  const root = parsed.contents === null ? null : gardener.grow(parsed.contents, [], 0, 0);
  const tabs = parsed.errors.filter(({ code }) => code === "TAB_AS_INDENT");
  // A tab moves the line out of its section: the faults beside it are its consequences, and go with it.
  const faults = tabs.length > 0 ? tabs : oneEach([...parsed.errors, ...parsed.warnings]);
  const findings = [...faults.map(fault), ...gardener.findings];
  const brokenAt = Math.min(...parsed.errors.map((error) => error.pos[0]));
  const understoodTo = Math.max(0, ...gardener.keyStarts.filter((start) => start < brokenAt));
  return { root, findings, understoodTo: parsed.errors.length === 0 ? null : understoodTo, positionOf };
}

/** Counted here: yaml's own counter loses lines in text that is no YAML, which is when a person needs them most. */
function positionsIn(text: string): (offset: number) => Position {
  const lineStarts = [0, ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)];
  return (offset) => {
    const within = Math.min(offset, text.length);
    let line = 0;
    let beyond = lineStarts.length;
    while (beyond - line > 1) {
      const middle = (line + beyond) >> 1;
      if ((lineStarts[middle] ?? within) <= within) line = middle;
      else beyond = middle;
    }
    return { line: line + 1, col: within - (lineStarts[line] ?? 0) + 1 };
  };
}

/** One unclosed bracket can end in hundreds of faults at the end of the file. */
function oneEach(errors: readonly YAMLError[]): readonly YAMLError[] {
  const starts = new Set<number>();
  return errors.filter(({ pos: [start] }) => starts.size < starts.add(start).size);
}

function tooDeep(start: number): Finding {
  return { path: [], start, message: `is nested deeper than ${depthMax} levels, which no configuration is` };
}

function parse(text: string): Document.Parsed | null {
  try {
    // Duplicate keys are told by the gardener, which knows both places and the way there.
    return parseDocument(text, { prettyErrors: false, uniqueKeys: false });
  } catch (error) {
    // yaml reads nested text by recursion; the stack ends long after any configuration does.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Grows the tree from yaml's nodes and notes what YAML allows and a configuration may not have. */
class Gardener {
  readonly findings: Finding[] = [];
  readonly keyStarts: number[] = [];
  readonly #positionOf: (offset: number) => Position;

  constructor(positionOf: (offset: number) => Position) {
    this.#positionOf = positionOf;
  }

  /** @param holderStart where a value that is not there would have begun */
  grow(node: unknown, path: Path, holderStart: number, depth: number): Tree {
    const start = startOf(node) ?? holderStart;
    if (isAlias(node))
      return this.#refuse(path, start, "is an alias (*); write the value out, so that a reader of the file sees it");
    if (depth > depthMax) return this.#refuse(path, start, `is nested deeper than ${depthMax} levels`);
    if (isMap(node)) return this.#growSection(node, path, start, depth);
    if (isSeq(node)) {
      const items = node.items.map((item, index) => this.grow(item, [...path, index], start, depth + 1));
      return { kind: "list", start, items };
    }
    if (!isScalar(node)) return { kind: "value", start, value: null, source: "" };
    const source = node.source ?? String(node.value);
    return { kind: "value", start, value: isPlain(node.value) ? node.value : source, source };
  }

  #growSection(node: YAMLMap, path: Path, start: number, depth: number): Tree {
    const entries = new Map<string, Entry>();
    for (const pair of node.items) {
      const keyStart = startOf(pair.key) ?? start;
      const key = keyOf(pair);
      this.keyStarts.push(keyStart);
      if (key === null) {
        this.findings.push({ path, start: keyStart, message: "has a key that is not a word; write KEY: VALUE" });
        continue;
      }
      const earlier = entries.get(key);
      if (earlier === undefined) {
        entries.set(key, { keyStart, tree: this.grow(pair.value, [...path, key], keyStart, depth + 1) });
        continue;
      }
      const { line } = this.#positionOf(earlier.keyStart);
      const message = `is on line ${line} already, and only one of them could count; keep one`;
      this.findings.push({ path: [...path, key], start: keyStart, message });
    }
    return { kind: "section", start, entries };
  }

  #refuse(path: Path, start: number, message: string): Tree {
    this.findings.push({ path, start, message });
    return { kind: "value", start, value: null, source: "" };
  }
}

/** As written: `01` is another key than `1`, although YAML reads a number in both. */
function keyOf(pair: Pair): string | null {
  if (!isScalar(pair.key)) return null;
  return pair.key.source ?? String(pair.key.value ?? "");
}

function isPlain(value: unknown): value is string | number | boolean | null {
  return value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function startOf(node: unknown): number | null {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? (node.range?.[0] ?? null) : null;
}

function fault(error: YAMLError): Finding {
  const [start] = error.pos;
  if (error.code === "RESOURCE_EXHAUSTION") return tooDeep(start);
  const told = error.message.split("\n", 1)[0]?.trim();
  // Of a line that begins with % or ! yaml repeats the first word, which in another file may be a national number.
  const words = error.code === "MULTIPLE_DOCS" ? "more than one document" : withoutSsins(told ?? "", "…");
  return { path: [], start, message: `cannot be read as YAML: ${words}; ${adviceFor(error)}` };
}

const keyRule = "keys of one section begin in the same column, and each has a colon and a space behind it";

function adviceFor({ code }: YAMLError): string {
  switch (code) {
    case "TAB_AS_INDENT":
      return "indent with spaces, never with tabs";
    case "BLOCK_AS_IMPLICIT_KEY":
      return `${keyRule}; or quote the value, where it is one that holds a colon and a space`;
    case "BAD_INDENT":
    case "MULTILINE_IMPLICIT_KEY":
      return keyRule;
    case "BAD_DQ_ESCAPE":
      return "in double quotes a backslash begins an escape; use single quotes";
    case "TAG_RESOLVE_FAILED":
      return "tags (!) are not used in this file; quote a value that begins with !";
    case "MULTIPLE_DOCS":
      return "one file holds one configuration; remove what follows the line ---";
    case "BAD_SCALAR_START":
    case "UNEXPECTED_TOKEN":
      return "put quotes around a value that begins with or holds a special character";
    default:
      return "check quotes, brackets, colons and indentation from here up";
  }
}
