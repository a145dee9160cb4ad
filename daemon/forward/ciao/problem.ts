import * as v from "valibot";
import { keptText } from "../kept-text.ts";

/**
 * An error of the service, RFC 9457 as the Belgif REST guide wants it (C): `type` is a URN below
 * `urn:problem-type:belgif:`, and `badRequest` names its mistakes in `issues`.
 */
export type Problem = {
  /** In the service's words, scrubbed; never empty. */
  readonly text: string;
  readonly issues: readonly ProblemIssue[];
};

export type ProblemIssue = {
  /** Index in `items` of the scan it is about; `null` when it is about the call. */
  readonly index: number | null;
  /** In the service's words, scrubbed; never empty. The offending value is left out: it may be somebody's number. */
  readonly text: string;
};

/** A call of 200 items with a mistake in every field stays below. */
export const issuesMax: number = 5_000;

const text = v.optional(v.fallback(v.string(), ""), "");

const issueSchema = v.looseObject({ name: text, in: text, detail: text, title: text, type: text });

const problemSchema = v.looseObject({
  type: text,
  title: text,
  detail: text,
  instance: text,
  issues: v.optional(v.fallback(v.array(v.unknown()), []), []),
});

/** Reads a problem from a body of whatever content type; `null` when the body is no JSON object. */
export function readProblem(body: string): Problem | null {
  const json = parseJson(body);
  const parsed = v.safeParse(problemSchema, json);
  // An array has fields as well, and passes for an object.
  if (!parsed.success || Array.isArray(json)) return null;
  const { type, title, detail, instance, issues } = parsed.output;
  return {
    text: worded([title, detail, type, instance === "" ? "" : `instance ${instance}`], "a problem without words"),
    issues: issues.slice(0, issuesMax).flatMap(readIssue),
  };
}

/** `undefined` for anything that is no JSON. A byte order mark before it may be ignored (RFC 8259 section 8.1), and some write one. */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body.startsWith(byteOrderMark) ? body.slice(byteOrderMark.length) : body);
  } catch {
    return undefined;
  }
}

const byteOrderMark = "\ufeff";

function readIssue(issue: unknown): readonly ProblemIssue[] {
  const parsed = v.safeParse(issueSchema, issue);
  if (!parsed.success) return [];
  const { name, in: where, detail, title, type } = parsed.output;
  const { index, field } = where === "" || where === "body" ? itemOf(name) : { index: null, field: name };
  const said = worded([detail, detail === "" ? title : "", detail === "" ? type : ""], "not valid");
  return [{ index, text: field === "" ? said : `${keptText(field)}: ${said}` }];
}

/** `items[3].ssin` (C); `$.items[3].ssin`, `items.3.ssin` and `/items/3/ssin` are forms of the same that others use (I). */
function itemOf(name: string): { readonly index: number | null; readonly field: string } {
  const [, index, field] = /^(?:\$\.|\/)?items(?:\[|[./])(\d{1,6})\]?[./]?(.*)$/s.exec(name) ?? [];
  return index === undefined ? { index: null, field: name } : { index: Number(index), field: field ?? "" };
}

function worded(parts: readonly string[], otherwise: string): string {
  const words = keptText(parts.filter((part) => part.trim() !== "").join(", "));
  return words === "" ? otherwise : words;
}
