import type * as v from "valibot";

/** What the schema expects at one place, as far as the structure goes. */
export type Shape =
  | { readonly kind: "section"; readonly entries: Entries }
  /** One of several sections, told apart by the value of `key`. */
  | { readonly kind: "variant"; readonly key: string; readonly options: ReadonlyMap<string, Entries> }
  | { readonly kind: "list"; readonly item: v.GenericSchema }
  /** Any key, one kind of value. */
  | { readonly kind: "record"; readonly value: v.GenericSchema }
  /** `text` takes what stands in the file even where YAML sees a number. */
  | { readonly kind: "text" }
  | { readonly kind: "other" };

export type Entries = Readonly<Record<string, v.GenericSchema>>;

/**
 * Reads a valibot schema's own description of itself: `type`, and beside it `entries`, `item`, `value`, `wrapped`,
 * `options`. A pipe carries those of its first schema.
 */
export function shapeOf(schema: v.GenericSchema): Shape {
  switch (schema.type) {
    case "optional":
      return shapeOf((schema as v.OptionalSchema<v.GenericSchema, unknown>).wrapped);
    case "strict_object":
      return { kind: "section", entries: entriesOf(schema) };
    case "variant": {
      const { key, options } = schema as v.VariantSchema<string, VariantOptions, undefined>;
      return {
        kind: "variant",
        key,
        options: new Map(options.map((option) => [literalOf(option, key), entriesOf(option)])),
      };
    }
    case "array":
      return { kind: "list", item: (schema as v.ArraySchema<v.GenericSchema, undefined>).item };
    case "record":
      return { kind: "record", value: (schema as unknown as { readonly value: v.GenericSchema }).value };
    case "string":
      return { kind: "text" };
    case "picklist": {
      const { options } = schema as v.PicklistSchema<readonly (string | number)[], undefined>;
      return { kind: options.every((option) => typeof option === "string") ? "text" : "other" };
    }
    default:
      return { kind: "other" };
  }
}

type VariantOptions = readonly v.StrictObjectSchema<v.ObjectEntries, undefined>[];

function entriesOf(schema: v.GenericSchema): Entries {
  return (schema as unknown as { readonly entries: Entries }).entries;
}

function literalOf(option: v.GenericSchema, key: string): string {
  return String((entriesOf(option)[key] as v.LiteralSchema<string, undefined> | undefined)?.literal);
}
