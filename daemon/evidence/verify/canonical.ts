/** What RFC 8785 can write when all numbers are integers. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json };

/** A record nests three deep; a text that nests thousands of levels is an attack on the stack. */
const depthMax = 16;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads an object that is written in RFC 8785's canonical form with integers only; `null` when it is anything else.
 *
 * The text is parsed, written again, and must come out as it went in. That finds keys given twice, keys out of order,
 * spaces, `-0`, `1e3`, needless escapes and whatever else two parsers might read differently, without a list of them.
 */
export function parseCanonical(bytes: Uint8Array): JsonObject | null {
  const text = decodeUtf8(bytes);
  if (text === null || !text.startsWith("{")) return null;
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return null;
  }
  return canonicalText(value, 0) === text ? (value as JsonObject) : null;
}

/** Strict UTF-8: no replacement characters, and a byte order mark stays what it is. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

/** `null` where the value has no canonical form: a fraction, half of a surrogate pair, too deep. */
function canonicalText(value: Json, depth: number): string | null {
  if (typeof value === "string") return value.isWellFormed() ? JSON.stringify(value) : null;
  if (typeof value === "number") return Number.isSafeInteger(value) ? String(value) : null;
  if (value === null || typeof value === "boolean") return String(value);
  if (depth >= depthMax) return null;
  const parts: string[] = [];
  if (isList(value)) {
    for (const each of value) {
      const part = canonicalText(each, depth + 1);
      if (part === null) return null;
      parts.push(part);
    }
    return `[${parts.join(",")}]`;
  }
  // The order of `sort` without a comparison is that of UTF-16 code units, which RFC 8785 section 3.2.3 asks for.
  for (const key of Object.keys(value).sort()) {
    const part = canonicalText(value[key] ?? null, depth + 1);
    if (part === null || !key.isWellFormed()) return null;
    parts.push(`${JSON.stringify(key)}:${part}`);
  }
  return `{${parts.join(",")}}`;
}

function isList(value: readonly Json[] | JsonObject): value is readonly Json[] {
  return Array.isArray(value);
}

/** Whether an object has these keys and no other. */
export function hasKeys(value: JsonObject, keys: readonly string[]): boolean {
  const found = Object.keys(value);
  return found.length === keys.length && keys.every((key) => Object.hasOwn(value, key));
}

export function objectOf(value: Json | undefined): JsonObject | null {
  return typeof value === "object" && value !== null && !isList(value) ? value : null;
}

export function listOf(value: Json | undefined): readonly Json[] | null {
  return typeof value === "object" && value !== null && isList(value) ? value : null;
}

/** A count, a size or a sequence number. */
export function countOf(value: Json | undefined): number | null {
  return typeof value === "number" && value >= 0 ? value : null;
}

export function textOf(value: Json | undefined): string | null {
  return typeof value === "string" ? value : null;
}

const hex256 = /^[0-9a-f]{64}$/;

/** 32 bytes from 64 small hex digits. */
export function hashOf(value: Json | undefined): Buffer | null {
  return typeof value === "string" && hex256.test(value) ? Buffer.from(value, "hex") : null;
}

/** Base64 in its one canonical form: Node's decoder takes line feeds, the URL alphabet and loose bits as well. */
export function base64Of(value: Json | undefined): Buffer | null {
  if (typeof value !== "string") return null;
  const bytes = Buffer.from(value, "base64");
  return bytes.toString("base64") === value ? bytes : null;
}
