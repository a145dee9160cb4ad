import type * as v from "valibot";

/**
 * What is wrong with one part of a request, an order or a file, for whoever wrote it by hand. What was received is not
 * repeated: it may be somebody's number. A message that a schema has of its own stays as it is.
 */
export function plainIssue(issue: v.BaseIssue<unknown>): string {
  if (!issue.message.startsWith("Invalid ")) return issue.message;
  const { type, expected, requirement, input } = issue;
  const amount = String(requirement);
  const unit = typeof input === "string" ? "characters" : "entries";
  switch (type) {
    case "min_value":
      return `expected at least ${amount}`;
    case "max_value":
      return `expected at most ${amount}`;
    case "min_length":
      return `expected at least ${amount} ${unit}`;
    case "max_length":
      return `expected at most ${amount} ${unit}`;
    case "integer":
      return "expected a whole number";
    case "strict_object":
    case "loose_object":
      if (expected === "never") return "unknown field";
      return expected === "Object" ? "expected an object" : "is missing";
    default:
      return expected === null ? "is not what belongs here" : `expected ${oneOf(expected)}`;
  }
}

const kinds: Readonly<Record<string, string>> = {
  Object: "an object",
  Array: "a list",
  string: "a text",
  number: "a number",
  boolean: "true or false",
};

/** `("IN" | "OUT")` is how the checks write a choice. */
function oneOf(expected: string): string {
  const choices = expected
    .replace(/^\((.*)\)$/s, "$1")
    .split(" | ")
    .map((choice) => kinds[choice] ?? choice);
  return choices.length === 1 ? choices.join() : `one of ${choices.join(", ")}`;
}
