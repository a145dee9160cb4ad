import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { isDeclarationOfWorksNumber, isEnterpriseNumber, isSsin } from "../daemon/base/identifiers.ts";
import { schemaFile, schemaText } from "../scripts/generate-schema.ts";
import { loadConfiguration, parseConfiguration } from "./load.ts";
import { thisBox } from "./surroundings.ts";

const exampleFile = fileURLToPath(new URL("badged.example.yaml", import.meta.url));
const example = readFileSync(exampleFile, "utf8");

type JsonSchema = {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly description?: string;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly oneOf?: readonly JsonSchema[];
};
const schema = JSON.parse(readFileSync(schemaFile, "utf8")) as JsonSchema;

/** Every key of a schema with what is said of it, as `readers[].frame.end`. */
function keysOf(each: JsonSchema, path = ""): readonly (readonly [string, JsonSchema])[] {
  const below = Object.entries(each.properties ?? {}).flatMap(([key, value]) => {
    const name = path === "" ? key : `${path}.${key}`;
    return [[name, value] as const, ...keysOf(value, name)];
  });
  const items = each.items === undefined ? [] : keysOf(each.items, `${path}[]`);
  return [...below, ...items, ...(each.oneOf ?? []).flatMap((option) => keysOf(option, path))];
}

function keysIn(value: unknown, path = ""): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item) => keysIn(item, `${path}[]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, below]) => {
    const name = path === "" ? key : `${path}.${key}`;
    return [name, ...keysIn(below, name)];
  });
}

describe("the example", () => {
  test("loads, with a roster and secrets standing in", () => {
    const box = { ...thisBox({}), fileState: () => "readable" as const, secretFault: () => null, keyFault: () => null };
    expect(parseConfiguration(example, exampleFile, box)).toMatchObject({ ok: true });
  });

  test("names the schema on its first line, so that an editor checks it", () => {
    expect(example).toMatch(/^# yaml-language-server: \$schema=\.\/badged\.schema\.json\n/);
  });

  test("holds every key of the schema, except where two exclude each other at one place", () => {
    const present = new Set(keysIn(parse(example)));
    // A site has coordinates in the example, a reader an address; the service has oauth in place of a token's file.
    const missing = keysOf(schema)
      .map(([key]) => key)
      .filter((key) => !present.has(key));
    const excluded = missing.filter(
      (key) => !/^site\.place\.address|^readers\[\]\.place\.coordinates|^service\.tokenFile$/.test(key),
    );
    expect(keysOf(schema).length).toBeGreaterThan(60);
    expect(excluded).toEqual([]);
  });

  test("says something of every key that has a line of its own", () => {
    const lines = [...example.matchAll(/^ +(?:- )?(\w+):(.*)$/gm)].map(([, key = "", rest = ""]) => ({ key, rest }));
    const explained = new Set(lines.filter(({ rest }) => rest.includes(" # ")).map(({ key }) => key));
    expect(explained.size).toBeGreaterThan(35);
    expect(lines.map(({ key }) => key).filter((key) => !explained.has(key))).toEqual(plain);
  });
});

/** Keys of the example whose value says it all. */
const plain: readonly string[] = ["coordinates", "address", "municipality", "street"];

describe("the JSON Schema", () => {
  test("is what the source generates; `npm run schema` writes it", () => {
    expect(readFileSync(schemaFile, "utf8")).toBe(schemaText());
  });

  test("describes every key", () => {
    const silent = keysOf(schema).filter(([, value]) => (value.description ?? "").length < 8);
    expect(silent.map(([key]) => key)).toEqual([]);
  });

  test("has only patterns that editors can use, which read them with the flag u", () => {
    const patterns = keysOf(schema).flatMap(([, value]) => (value.pattern === undefined ? [] : [value.pattern]));
    expect(patterns.length).toBeGreaterThan(10);
    for (const pattern of patterns) expect(() => new RegExp(pattern, "u")).not.toThrow();
  });

  test("has durations in the form of the file", () => {
    const durations = new Map(keysOf(schema));
    expect(durations.get("intake.doubleScan")).toMatchObject({ type: "string", default: "60 s" });
    expect(durations.get("readers[].place.address.postCode")).toMatchObject({ type: ["string", "integer"] });
  });
});

describe("the demo", () => {
  const file = fileURLToPath(new URL("demo.yaml", import.meta.url));

  test("loads as it is, on loopback and inside the checkout", () => {
    const loaded = loadConfiguration(file, thisBox({}));
    expect(loaded).toMatchObject({
      ok: true,
      configuration: {
        readers: [
          { id: "gate", driver: "serial-line", port: fileURLToPath(new URL("../var/demo/reader", import.meta.url)) },
        ],
        service: { url: "http://127.0.0.1:8480/REST/presenceRegistration/v1", tokenFile: null },
      },
    });
  });

  test("has a roster of fictional workers whose numbers all check out", () => {
    const [header, ...rows] = readFileSync(new URL("demo-roster.csv", import.meta.url), "utf8")
      .trim()
      .split("\n");
    expect(header).toBe("badge,ssin,employer,avw_number,reference");
    expect(rows.map((row) => row.split(",")[4])).toEqual(["W1", "W2", "W3", "W4", "W5"]);
    for (const row of rows) {
      const [badge = "", ssin = "", employer = "", declaration = ""] = row.split(",");
      expect(badge).toMatch(/^[0-9A-F]{10}$/);
      expect(isSsin(ssin) && isEnterpriseNumber(employer) && isDeclarationOfWorksNumber(declaration)).toBe(true);
    }
  });
});
