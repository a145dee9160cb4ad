import * as v from "valibot";
import { parseUtcText, utcSecondsText } from "../../base/system-time.ts";
import { keptText } from "../kept-text.ts";
import type { DueScan, Remark } from "../queue.ts";
import type { ItemOutcome } from "../upstream.ts";
import { type ItemEcho, matchItems } from "./item-match.ts";
import { parseJson } from "./problem.ts";
import { officialNumber } from "./remarks/official.ts";
import { readToldSsin } from "./told-ssin.ts";
import { wireDirection } from "./wire.ts";

/** The procedure document lists 26 remarks. */
export const remarksMax: number = 50;

/** One outcome for each scan, in the order sent; `null` when the body is not the documented answer. */
export function readItems(body: string, scans: readonly DueScan[]): readonly ItemOutcome[] | null {
  const parsed = v.safeParse(answerSchema, parseJson(body));
  if (!parsed.success) return null;
  const items = parsed.output.items.map(readItem);
  const matched = matchItems(
    items.map((item) => item.echo),
    scans.map((scan) => ({
      ssin: scan.ssin,
      registrationDate: utcSecondsText(scan.utcMs),
      type: wireDirection(scan.direction),
    })),
  );
  return scans.map((_, index): ItemOutcome => {
    const place = matched[index];
    const item = place === undefined || place === null ? undefined : items[place];
    return item?.outcome ?? { kind: "unanswered" };
  });
}

const optionalText = v.optional(v.fallback(v.nullable(v.string()), null), null);

/** (I) What may stand beside the outcome, or in it, to tell which scan it is about. */
const echoEntries = { ssin: optionalText, registrationDate: optionalText, type: optionalText };

/** (T) `id`, `validity`, `remarks`. */
const createdSchema = v.looseObject({
  ...echoEntries,
  id: v.union([v.pipe(v.number(), v.safeInteger()), v.pipe(v.string(), v.nonEmpty(), v.maxLength(100))]),
  validity: v.optional(v.fallback(v.string(), "pending"), "pending"),
  remarks: v.optional(v.unknown()),
});

/** (T) Its name; (U) its fields: the first that reads as an explanation is taken. */
const notCreatedSchema = v.pipe(
  v.unknown(),
  v.check((value) => !Array.isArray(value), "expected an object"),
  v.looseObject({ ...echoEntries }),
);

/** (U) A refusal in other shapes: nothing would be gained by sending such a scan again and again. */
const refusalSchema = v.union([
  v.pipe(v.string(), v.trim(), v.nonEmpty()),
  v.pipe(v.array(v.unknown()), v.nonEmpty()),
  v.literal(true),
]);

const itemSchema = v.looseObject({
  ...echoEntries,
  createdPresenceRegistration: v.optional(v.unknown()),
  notCreatedPresenceRegistration: v.optional(v.unknown()),
});

const answerSchema = v.looseObject({ items: v.array(v.unknown()) });

export type FoundRegistration = {
  readonly registrationId: string;
  readonly validity: string;
  readonly remarks: readonly Remark[];
  readonly echo: ItemEcho;
};

/** A registration as a search tells it (I): the fields of `createdPresenceRegistration` and those that were sent. */
export function readFound(value: unknown): FoundRegistration | null {
  const parsed = v.safeParse(createdSchema, value);
  if (!parsed.success) return null;
  const { id, validity, remarks, ssin, registrationDate, type } = parsed.output;
  return {
    registrationId: String(id),
    validity: keptValidity(validity),
    remarks: readRemarks(remarks),
    echo: { ssin: readToldSsin(ssin), registrationDate: readDate(registrationDate), type: type?.toUpperCase() ?? null },
  };
}

type ReadItem = { readonly outcome: ItemOutcome; readonly echo: ItemEcho };

const nothing: ReadItem = {
  outcome: { kind: "unanswered" },
  echo: { ssin: null, registrationDate: null, type: null },
};

function readItem(value: unknown): ReadItem {
  const item = v.safeParse(itemSchema, value);
  if (!item.success) return nothing;
  const { createdPresenceRegistration, notCreatedPresenceRegistration } = item.output;
  const created = parsedOrNull(createdSchema, createdPresenceRegistration);
  const notCreated = parsedOrNull(notCreatedSchema, notCreatedPresenceRegistration);
  const inner = created ?? notCreated;
  const echo = {
    ssin: readToldSsin(inner?.ssin ?? item.output.ssin),
    registrationDate: readDate(inner?.registrationDate ?? item.output.registrationDate),
    type: (inner?.type ?? item.output.type)?.toUpperCase() ?? null,
  };
  // What is there counts, read or not: one that says both, or something nobody can read, may have been registered.
  if (isThere(createdPresenceRegistration) === isThere(notCreatedPresenceRegistration)) return { ...nothing, echo };
  if (created !== null) {
    const { id, validity, remarks } = created;
    const read = readRemarks(remarks);
    return {
      outcome: { kind: "created", registrationId: String(id), validity: keptValidity(validity), remarks: read },
      echo,
    };
  }
  if (notCreated === null && !v.is(refusalSchema, notCreatedPresenceRegistration)) return { ...nothing, echo };
  return { outcome: { kind: "refused", reason: reasonOf(notCreatedPresenceRegistration) }, echo };
}

/** An empty one, a count or a flag is none. */
const loneRemarkSchema = v.union([
  v.pipe(v.string(), v.trim(), v.nonEmpty()),
  v.pipe(
    v.looseObject({}),
    v.check((value) => Object.keys(value).length > 0, "expected a field"),
  ),
]);

/**
 * What an answer tells of remarks; `null` when it tells nothing, which is not the same as none. (U) One remark may stand
 * there by itself: one that is not in a list must not be missed for it.
 */
export function toldRemarks(remarks: unknown): readonly Remark[] | null {
  const told = Array.isArray(remarks) ? remarks : v.is(loneRemarkSchema, remarks) ? [remarks] : null;
  return told === null ? null : told.slice(0, remarksMax).map(readRemark);
}

/** Whether something beside its list has what a remark has; what has not may hold many, or none. */
export function isLikeRemark(value: unknown): boolean {
  const { code, words } = readSaid(value);
  return code !== null || words.trim() !== "";
}

function readRemarks(remarks: unknown): readonly Remark[] {
  return toldRemarks(remarks) ?? [];
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** (I) In small letters, as every other reading of it; a blank one says no more than none. */
function keptValidity(validity: string): string {
  const kept = keptText(validity).toLowerCase();
  return kept === "" ? "pending" : kept;
}

/** What is not there is not parsed: to find out that it is none costs more than to read what is. */
function parsedOrNull<T extends v.GenericSchema>(schema: T, value: unknown): v.InferOutput<T> | null {
  if (!isThere(value)) return null;
  const parsed = v.safeParse(schema, value);
  return parsed.success ? parsed.output : null;
}

function readDate(text: string | null): string | null {
  const at = text === null ? null : parseUtcText(text);
  return at === null ? null : utcSecondsText(at);
}

const saidSchema = v.looseObject({
  code: v.optional(v.fallback(v.nullable(v.union([v.number(), v.string()])), null), null),
  description: optionalText,
  detail: optionalText,
  message: optionalText,
  reason: optionalText,
  text: optionalText,
  title: optionalText,
});

const optionalList = v.optional(v.fallback(v.array(v.unknown()), []), []);

/** (U) Where a refusal may explain itself when not in words of its own. */
const listsSchema = v.looseObject({ remarks: optionalList, issues: optionalList, errors: optionalList });

/**
 * (U) The shape of a remark: a bare code or text, or an object with `code` and a text under one of the usual names. The
 * published words tell its number too, which its last day, and remark 32, rest on. One of which nothing can be read is kept
 * as it came, for a person has to see what it is, and tell it from others.
 */
function readRemark(remark: unknown): Remark {
  if (typeof remark === "number") return { code: codeOf(remark), text: "" };
  if (typeof remark === "string") return { code: codeOf(remark) ?? officialNumber(remark), text: keptText(remark) };
  const said = readSaid(remark);
  const [code, text] = [codeOf(said.code) ?? officialNumber(said.words), keptText(said.words)];
  return { code, text: code === null && text === "" ? keptText(jsonOf(remark)) : text };
}

/** Empty for one nested by thousands, which can be read and not be written: it must not put a registration in doubt. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return "";
  }
}

function reasonOf(notCreated: unknown): string {
  const lists = v.safeParse(listsSchema, notCreated);
  const listed = lists.success ? [lists.output.remarks, lists.output.issues, lists.output.errors].flat() : [];
  const inside: readonly unknown[] = Array.isArray(notCreated) ? notCreated : listed;
  const reason = keptText([notCreated, ...inside.slice(0, remarksMax)].map(saidText).filter(Boolean).join("; "));
  if (reason !== "") return reason;
  const isObject = typeof notCreated === "object" && notCreated !== null && !Array.isArray(notCreated);
  const fields = isObject ? Object.keys(notCreated).join(", ") : "";
  return keptText(`the service did not create it; its answer holds ${fields === "" ? "no reason" : fields}`);
}

function saidText(value: unknown): string {
  const { code, words } = readSaid(value);
  return [code === null ? "" : String(code), words].filter(Boolean).join(": ");
}

function readSaid(value: unknown): { readonly code: number | string | null; readonly words: string } {
  const said = v.safeParse(saidSchema, value);
  if (!said.success) return { code: null, words: typeof value === "string" ? value : "" };
  const { code, description, detail, message, reason, text, title } = said.output;
  return { code, words: description ?? detail ?? message ?? reason ?? text ?? title ?? "" };
}

/** A longer number is something else, and may be somebody's national number. */
const remarkCodeMax = 9_999;

function codeOf(code: number | string | null): number | null {
  const number = typeof code === "string" && /^\d{1,4}$/.test(code) ? Number(code) : code;
  const isCode = typeof number === "number" && Number.isInteger(number) && number >= 0 && number <= remarkCodeMax;
  return isCode ? number : null;
}
