/** The part of JSON Schema 2020-12 that the contract is written in; any other keyword is a mistake of the contract. */
export type Schema = Readonly<Record<string, unknown>>;

const understood = [
  "$ref",
  "type",
  "required",
  "properties",
  "additionalProperties",
  "items",
  "minItems",
  "maxItems",
  "oneOf",
  "enum",
  "pattern",
  "minLength",
  "maxLength",
  "minimum",
  "maximum",
  "description",
];

/**
 * What is wrong with a value, each with where it stands; empty when nothing is.
 *
 * @param resolve the schema behind a `$ref`
 */
export function faultsOf(
  value: unknown,
  schema: Schema,
  resolve: (reference: string) => Schema,
  path = "$",
): readonly string[] {
  for (const keyword of Object.keys(schema)) {
    if (!understood.includes(keyword))
      throw new TypeError(`${path}: the contract uses ${keyword}, which is not checked`);
  }
  const reference = schema["$ref"];
  if (typeof reference === "string") return faultsOf(value, resolve(reference), resolve, path);
  const options = schema["oneOf"];
  if (Array.isArray(options)) {
    const fitting = options.filter((option) => faultsOf(value, option as Schema, resolve, path).length === 0).length;
    return fitting === 1 ? [] : [`${path} fits ${fitting} of the forms that exclude each other`];
  }
  const type = schema["type"];
  if (typeof type === "string" && !isOfType(value, type)) return [`${path} is not of type ${type}`];
  return [
    ...ofText(value, schema, path),
    ...ofNumber(value, schema, path),
    ...ofList(value, schema, resolve, path),
    ...ofObject(value, schema, resolve, path),
  ];
}

/** Fields of a value that the contract does not name, though it may let them pass; each with where it stands. */
export function unnamedIn(
  value: unknown,
  schema: Schema,
  resolve: (reference: string) => Schema,
  path = "$",
): readonly string[] {
  const reference = schema["$ref"];
  if (typeof reference === "string") return unnamedIn(value, resolve(reference), resolve, path);
  const options = schema["oneOf"];
  if (Array.isArray(options)) {
    const fitting = options.find((option) => faultsOf(value, option as Schema, resolve, path).length === 0);
    return fitting === undefined ? [] : unnamedIn(value, fitting as Schema, resolve, path);
  }
  const { items, properties } = schema;
  if (Array.isArray(value) && isObject(items)) {
    return value.flatMap((item, index) => unnamedIn(item, items, resolve, `${path}[${index}]`));
  }
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, each]) => {
    const property = isObject(properties) ? properties[name] : undefined;
    return isObject(property) ? unnamedIn(each, property, resolve, `${path}.${name}`) : [`${path}.${name}`];
  });
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case "object":
      return isObject(value);
    case "array":
      return Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

function ofText(value: unknown, schema: Schema, path: string): readonly string[] {
  if (typeof value !== "string") return [];
  const { enum: words, pattern, minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema;
  const faults: string[] = [];
  if (Array.isArray(words) && !words.includes(value)) faults.push(`${path} is none of ${words.join(", ")}`);
  if (typeof pattern === "string" && !new RegExp(pattern, "u").test(value))
    faults.push(`${path} does not match ${pattern}`);
  if (value.length < Number(minLength) || value.length > Number(maxLength))
    faults.push(`${path} has ${value.length} characters`);
  return faults;
}

function ofNumber(value: unknown, { minimum, maximum }: Schema, path: string): readonly string[] {
  if (typeof value !== "number") return [];
  const from = typeof minimum === "number" ? minimum : Number.NEGATIVE_INFINITY;
  const to = typeof maximum === "number" ? maximum : Number.POSITIVE_INFINITY;
  return value < from || value > to ? [`${path} is not from ${from} to ${to}`] : [];
}

function ofList(
  value: unknown,
  schema: Schema,
  resolve: (reference: string) => Schema,
  path: string,
): readonly string[] {
  if (!Array.isArray(value)) return [];
  const { items, minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema;
  const isFitting = value.length >= Number(minItems) && value.length <= Number(maxItems);
  const below = isObject(items)
    ? value.flatMap((item, index) => faultsOf(item, items, resolve, `${path}[${index}]`))
    : [];
  return isFitting ? below : [`${path} has ${value.length} items`, ...below];
}

function ofObject(
  value: unknown,
  schema: Schema,
  resolve: (reference: string) => Schema,
  path: string,
): readonly string[] {
  if (!isObject(value)) return [];
  const { required = [], additionalProperties = true } = schema;
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  const missing = (required as readonly string[]).filter((name) => !Object.hasOwn(value, name));
  const below = Object.entries(value).flatMap(([name, each]) => {
    const property = properties[name];
    if (isObject(property)) return faultsOf(each, property, resolve, `${path}.${name}`);
    return additionalProperties === false ? [`${path}.${name} is not in the contract`] : [];
  });
  return [...missing.map((name) => `${path}.${name} is missing`), ...below];
}

function isObject(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
