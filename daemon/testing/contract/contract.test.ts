import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { present } from "../../base/assert.ts";
import { silentLog } from "../../base/log.ts";
import { systemTime } from "../../base/system-time.ts";
import { wallMs } from "../../base/time.ts";
import { readItems } from "../../forward/ciao/answer-items.ts";
import { TokenRequest } from "../../forward/ciao/oauth/token-request.ts";
import { readProblem } from "../../forward/ciao/problem.ts";
import { searchPath, searchQuery } from "../../forward/ciao/search.ts";
import { registerPath, requestBody } from "../../forward/ciao/wire.ts";
import type { DueScan } from "../../forward/queue.ts";
import type { Employer } from "../../scan/roster.ts";
import type { PlaceOfWork } from "../../scan/scan.ts";
import { callKinds, callTargetOf, serviceBasePath, tokenPath } from "../../simulator/service/call-kind.ts";
import { type ServiceSimulator, startServiceSimulator } from "../../simulator/service/service-simulator.ts";
import { dueScan } from "../memory-queue.ts";
import { startAuthorizationServer, testClientId } from "../oauth/authorization-server.ts";
import { faultsOf, type Schema, unnamedIn } from "./schema-check.ts";

const contractFile = new URL("../../forward/ciao/presence-registration.openapi.yaml", import.meta.url);
const contract = parse(readFileSync(contractFile, "utf8")) as {
  readonly info: { readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};

function schemaOf(reference: string): Schema {
  const name = reference.replace("#/components/schemas/", "");
  return present(contract.components.schemas[name], `${reference} is in the contract`);
}

const faults = (value: unknown, name: string): readonly string[] => faultsOf(value, schemaOf(name), schemaOf);
/** What an answer of our own holds and the contract is silent about: the service may add fields, the simulator may not. */
const unnamed = (value: unknown, name: string): readonly string[] => unnamedIn(value, schemaOf(name), schemaOf);

describe("the contract", () => {
  test("says that it is nobody's but ours, and how each operation is known", () => {
    expect(contract.info.description).toContain("Of badged's own making");
    const operations = Object.values(contract.paths).flatMap((path) =>
      Object.entries(path).filter(([method]) => ["get", "post", "delete"].includes(method)),
    );
    expect(operations.length).toBe(8);
    for (const [, operation] of operations) {
      expect((operation as { readonly summary: string }).summary).toMatch(/^\((C|T|I)\) /);
    }
  });

  test("is written in keywords that are checked, and every reference leads somewhere", () => {
    for (const [name, schema] of Object.entries(contract.components.schemas)) {
      const visit = (each: unknown): void => {
        if (typeof each !== "object" || each === null) return;
        const reference = (each as Schema)["$ref"];
        if (typeof reference === "string") schemaOf(reference);
        for (const below of Object.values(each)) visit(below);
      };
      visit(schema);
      expect(() => faults({}, name)).not.toThrow();
    }
  });

  test("and the simulator have the same calls", () => {
    const named = Object.entries(contract.paths).flatMap(([path, operations]) =>
      Object.keys(operations)
        .filter((method) => ["get", "post", "delete"].includes(method))
        .map((method) => ({ method: method.toUpperCase(), path })),
    );
    const kinds = named.map(({ method, path }) => {
      const whole = path === tokenPath ? path : serviceBasePath + path.replace("{id}", "7");
      return callTargetOf(method, whole).kind;
    });
    expect(new Set(kinds)).toEqual(new Set(callKinds.filter((kind) => kind !== "other")));
    const cancelling = named.filter((_, index) => kinds[index] === "cancel");
    expect(cancelling).toEqual([
      { method: "DELETE", path: "/presenceRegistrations/{id}" },
      { method: "POST", path: "/presenceRegistrations/{id}/cancel" },
    ]);
  });

  test("has the register path of the client", () => {
    expect(Object.keys(contract.paths)).toContain(registerPath);
  });

  test("is not passed by everything", () => {
    expect(faults({ items: [] }, "RegisterRequest")).toEqual(["$.items has 0 items"]);
    const item = JSON.parse(requestBody([dueScan({ scanId: 1, worker: 1, utcMs: wallMs(1_780_000_000_000) })]))
      .items[0];
    const wrong = {
      items: [{ ...item, ssin: "123", type: "in", extra: 1, registrationDate: "2026-01-31T07:02:11.5Z" }],
    };
    expect(faults(wrong, "RegisterRequest")).toEqual([
      expect.stringContaining("registrationDate does not match"),
      expect.stringContaining("ssin does not match"),
      "$.items[0].type is none of IN, OUT",
      "$.items[0].extra is not in the contract",
    ]);
  });
});

const employer: fc.Arbitrary<Employer> = fc.constantFrom<Employer>(
  { kind: "enterprise-number", number: "0566988259" },
  { kind: "enterprise-number", number: "1009237290" },
  { kind: "foreign-vat", number: "PL5260001246" },
  { kind: "foreign-vat", number: "NL123456789B01" },
);
const place: fc.Arbitrary<PlaceOfWork> = fc.oneof(
  fc.record({
    kind: fc.constant("coordinates" as const),
    latitude: fc.double({ min: 49.4, max: 51.6, noNaN: true }),
    longitude: fc.double({ min: 2.5, max: 6.5, noNaN: true }),
  }),
  fc.record({
    kind: fc.constant("address" as const),
    postCode: fc.constantFrom("9000", "1000"),
    municipalityName: fc.constantFrom("Gent", "Brussel"),
    streetName: fc.constantFrom("Kanaalkaai", "Rue de l'Été"),
    houseNumber: fc.constantFrom("1", "12A"),
    boxNumber: fc.constantFrom(null, "3"),
  }),
);
const scans: fc.Arbitrary<readonly DueScan[]> = fc
  .array(
    fc.record({
      employer,
      place,
      direction: fc.constantFrom("in" as const, "out" as const),
      declarationOfWorks: fc.constantFrom(null, "1Y1003SQ5VSSZ"),
      utcMs: fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 }).map(wallMs),
    }),
    { minLength: 1, maxLength: 200 },
  )
  .map((drafts) =>
    drafts.map((draft, index) => ({
      ...dueScan({ scanId: index + 1, worker: index + 1, utcMs: draft.utcMs }),
      ...draft,
    })),
  );

test("whatever scans there are, what the client sends keeps to the contract", () => {
  fc.assert(
    fc.property(scans, (sent) => {
      expect(faults(JSON.parse(requestBody(sent)), "RegisterRequest")).toEqual([]);
    }),
    { numRuns: 50 },
  );
});

describe("the simulator's answers", () => {
  let simulator: ServiceSimulator;
  beforeAll(async () => {
    simulator = await startServiceSimulator({
      port: 0,
      log: silentLog,
      time: systemTime,
      token: "good",
      receiptLimitMs: 1,
    });
  });
  afterAll(() => simulator[Symbol.asyncDispose]());

  const sent = [1, 2].map((worker) => dueScan({ scanId: worker, worker, utcMs: wallMs(systemTime.wallMs() - 60_000) }));

  async function call(
    method: "GET" | "POST" | "DELETE",
    path: string,
    { token = "good", body }: { readonly token?: string; readonly body?: string } = {},
  ): Promise<{ readonly status: number; readonly type: string; readonly text: string }> {
    const answer = await request(`${simulator.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body }),
    });
    const type = String(answer.headers["content-type"] ?? "");
    return { status: answer.statusCode, type, text: await answer.body.text() };
  }

  test("to a registration keep to it, with remarks and without, and the client reads all of them", async () => {
    const { status, text } = await call("POST", registerPath, { body: requestBody(sent) });
    expect(status).toBe(200);
    expect(faults(JSON.parse(text), "RegisterAnswer")).toEqual([]);
    expect(unnamed(JSON.parse(text), "RegisterAnswer")).toEqual([]);
    expect(readItems(text, sent)?.map(({ kind }) => kind)).toEqual(["created", "created"]);
  });

  test("that create nothing keep to it", async () => {
    const ssins = sent.map(({ ssin }) => ssin);
    await simulator.setFault({ kind: "not-created", ssins });
    const { text } = await call("POST", registerPath, { body: requestBody(sent) });
    await simulator.clearFaults();
    expect(faults(JSON.parse(text), "RegisterAnswer")).toEqual([]);
    expect(unnamed(JSON.parse(text), "RegisterAnswer")).toEqual([]);
    expect(readItems(text, sent)?.map(({ kind }) => kind)).toEqual(["refused", "refused"]);
  });

  test("that refuse are problems as agreed, and the client reads them", async () => {
    const refusals = [
      await call("POST", registerPath, { token: "wrong", body: requestBody(sent) }),
      await call("POST", registerPath, { body: '{"items":[{"ssin":"1"}]}' }),
      await call("GET", "/nowhere"),
      await call("GET", registerPath),
    ];
    expect(refusals.map(({ status }) => status)).toEqual([401, 400, 404, 405]);
    for (const { type, text } of refusals) {
      expect(type).toContain("application/problem+json");
      expect(faults(JSON.parse(text), "Problem")).toEqual([]);
      expect(unnamed(JSON.parse(text), "Problem")).toEqual([]);
      expect(readProblem(text)).not.toBeNull();
    }
  });

  test("to a search, about one registration, about its history and to its cancelling keep to it", async () => {
    const scan = dueScan({ scanId: 9, worker: 9, utcMs: wallMs(systemTime.wallMs() - 60_000) });
    const { text } = await call("POST", registerPath, { body: requestBody([scan]) });
    const { id } = JSON.parse(text).items[0].createdPresenceRegistration;
    const found = await call("GET", `${searchPath}${searchQuery(scan)}`);
    expect(faults(JSON.parse(found.text), "SearchAnswer")).toEqual([]);
    expect(JSON.parse(found.text).items).toHaveLength(1);
    const one = await call("GET", `${searchPath}/${id}`);
    expect(faults(JSON.parse(one.text), "Registration")).toEqual([]);
    const cancelled = await call("DELETE", `${searchPath}/${id}`);
    expect(faults(JSON.parse(cancelled.text), "Registration")).toEqual([]);
    const history = await call("GET", `${searchPath}/${id}/history`);
    expect(faults(JSON.parse(history.text), "HistoryAnswer")).toEqual([]);
    const all = { SearchAnswer: found, Registration: one, HistoryAnswer: history };
    for (const [name, { text: told }] of Object.entries(all)) expect(unnamed(JSON.parse(told), name)).toEqual([]);
    expect(unnamed(JSON.parse(cancelled.text), "Registration")).toEqual([]);
    expect([found, one, cancelled, history].map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  test("about its health keep to it", async () => {
    const health: unknown = JSON.parse((await call("GET", "/health")).text);
    expect([faults(health, "Health"), unnamed(health, "Health")]).toEqual([[], []]);
  });
});

test("the request for a token keeps to it, and so does what an independent server makes of it", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await using server = await startAuthorizationServer(publicKey);
  await using asking = new TokenRequest(
    {
      tokenUrl: server.tokenUrl,
      audience: server.tokenUrl,
      clientId: testClientId,
      scope: null,
      keyId: null,
      timeoutMs: 10_000,
      pins: [],
    },
    {
      key: () => privateKey,
      provenTime: () => ({ utcMs: systemTime.wallMs(), errorBoundMs: 5 }),
      time: systemTime,
    },
  );
  expect((await asking.ask(new AbortController().signal)).kind).toBe("granted");
  const form = present(server.requests.at(-1), "a request");
  expect(faults(Object.fromEntries(form), "TokenRequest")).toEqual([]);
  const replayed = await request(server.tokenUrl, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: form.toString(),
  });
  expect(faults(await replayed.body.json(), "TokenError")).toEqual([]);
});
