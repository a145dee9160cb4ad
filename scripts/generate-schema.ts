import { writeFileSync } from "node:fs";
import { toJsonSchema } from "@valibot/to-json-schema";
import { documentSchema } from "../config/schema/document.ts";

/** Where editors find it: the first line of a configuration names it. */
export const schemaFile: URL = new URL("../config/badged.schema.json", import.meta.url);

/**
 * The JSON Schema of the YAML form, from the schema that badged itself checks with. What only code can tell (a known
 * time zone, an existing file) is left to `badged check-config`.
 */
export function schemaText(): string {
  const schema = toJsonSchema(documentSchema, {
    typeMode: "input",
    target: "draft-07",
    ignoreActions: ["check", "raw_check"],
  });
  return `${JSON.stringify(schema, null, 2)}\n`;
}

if (import.meta.main) writeFileSync(schemaFile, schemaText());
