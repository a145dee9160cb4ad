import { readFileSync } from "node:fs";
import * as v from "valibot";
import { BadgedError, messageOf } from "../../base/errors.ts";
import { plainIssue } from "./plain-issue.ts";
import type { Registers } from "./registers.ts";

const enterpriseNumber = v.pipe(v.string(), v.regex(/^[01]\d{9}$/, "expected ten digits, the first 0 or 1"));
const ssin = v.pipe(v.string(), v.regex(/^\d{11}$/, "expected eleven digits"));
const declarationNumber = v.pipe(v.string(), v.regex(/^[A-HJ-NP-Z0-9]{13}$/, "expected a 13-character AvW number"));

const registers = v.strictObject({
  declarations: v.optional(
    v.record(
      declarationNumber,
      v.strictObject({
        state: v.optional(v.picklist(["active", "inactive"]), "active"),
        contracts: v.record(enterpriseNumber, v.picklist(["active", "inactive"])),
      }),
    ),
  ),
  enterprises: v.optional(v.record(enterpriseNumber, v.picklist(["active", "inactive", "no-employer", "unknown"])), {}),
  workers: v.optional(v.record(ssin, v.record(enterpriseNumber, v.picklist(["active", "ended", "no-function"]))), {}),
  unknownSsins: v.optional(v.array(ssin), []),
});

export type ReadRegisters = { readonly registers: Registers; readonly unknownSsins: readonly string[] };

/**
 * Reads what the simulated service finds when it looks up, from a JSON file:
 *
 *     {
 *       "declarations": { "1Y1003SQ5VSSZ": { "state": "active", "contracts": { "0566988259": "active" } } },
 *       "enterprises": { "1009237290": "inactive" },
 *       "workers": { "93051822361": { "0566988259": "ended" } },
 *       "unknownSsins": ["85011512355"]
 *     }
 *
 * @throws BadgedError `no-input` when it cannot be read, `usage` for what it holds
 */
export function readRegistersFile(file: string): ReadRegisters {
  const text = readText(file);
  try {
    return parseRegisters(text);
  } catch (error) {
    const advice = "it is a JSON object of declarations, enterprises, workers and unknownSsins";
    throw new BadgedError("usage", `${file} cannot be used: ${messageOf(error)}`, advice, { cause: error });
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const advice = "name a file that may be read";
    throw new BadgedError("no-input", `${file} cannot be read: ${messageOf(error)}`, advice, { cause: error });
  }
}

export function parseRegisters(text: string): ReadRegisters {
  const parsed: unknown = JSON.parse(text);
  // A list has fields too, and would pass for a file that says nothing.
  if (Array.isArray(parsed)) throw new TypeError("the file: expected an object");
  const checked = v.safeParse(registers, parsed);
  if (!checked.success) {
    const [issue] = checked.issues;
    throw new TypeError(`${v.getDotPath(issue) ?? "the file"}: ${plainIssue(issue)}`);
  }
  const { declarations, enterprises, workers, unknownSsins } = checked.output;
  return {
    registers: {
      declarations:
        declarations === undefined
          ? null
          : mapOf(declarations, ({ state, contracts }) => ({ state, contracts: mapOf(contracts, (each) => each) })),
      enterprises: mapOf(enterprises, (state) => state),
      workers: mapOf(workers, (employers) => mapOf(employers, (relation) => relation)),
    },
    unknownSsins,
  };
}

function mapOf<From, To>(entries: Readonly<Record<string, From>>, convert: (value: From) => To): Map<string, To> {
  return new Map(Object.entries(entries).map(([key, value]) => [key, convert(value)]));
}
