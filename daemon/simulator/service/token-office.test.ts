import { generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import { expect, test } from "vitest";
import { wallMs } from "../../base/time.ts";
import type { Reply } from "./reply.ts";
import { assertionType, TokenOffice, tokenLifetimeDefaultSeconds, tokensMax } from "./token-office.ts";

const now = wallMs(1_769_846_400_000);
const seconds = now / 1000;
const audience = "http://127.0.0.1:8480/REST/oauth/v5/token";
const client = generateKeyPairSync("rsa", { modulusLength: 2048 });
const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = client.publicKey.export({ type: "spki", format: "pem" }).toString();

async function openOffice(key: string = pem): Promise<TokenOffice> {
  const office = await TokenOffice.open({ id: "werf-1", key });
  office.ownAddress = audience;
  return office;
}

type Signing = { readonly claims?: object; readonly key?: KeyObject; readonly alg?: string; readonly kid?: string };

function assertion({ claims = {}, key = client.privateKey, alg = "RS256", kid }: Signing = {}): Promise<string> {
  const good = {
    iss: "werf-1",
    sub: "werf-1",
    aud: audience,
    jti: randomUUID(),
    iat: seconds,
    exp: seconds + 300,
  };
  return new SignJWT({ ...good, ...claims }).setProtectedHeader(kid === undefined ? { alg } : { alg, kid }).sign(key);
}

function ask(office: TokenOffice, form: Readonly<Record<string, string>>, at: number = now): Promise<Reply> {
  const request = {
    method: "POST",
    path: "/REST/oauth/v5/token",
    query: new URLSearchParams(),
    authorization: null,
    contentType: "application/x-www-form-urlencoded",
    body: new URLSearchParams(form).toString(),
  };
  return office.reply(request, wallMs(at));
}

async function askWith(office: TokenOffice, signing: Signing = {}): Promise<Reply> {
  return await ask(office, await formWith(signing));
}

async function formWith(signing: Signing = {}): Promise<Record<string, string>> {
  return {
    grant_type: "client_credentials",
    client_assertion_type: assertionType,
    client_assertion: await assertion(signing),
  };
}

test("a signed assertion gets a bearer token that is let in until it ends", async () => {
  const office = await openOffice();
  const reply = await askWith(office);
  expect(reply.body).toEqual({
    access_token: expect.stringMatching(/^[\w-]{43}$/),
    token_type: "Bearer",
    expires_in: tokenLifetimeDefaultSeconds,
  });
  expect(reply.headers["Cache-Control"]).toBe("no-store");
  const token = `Bearer ${(reply.body as { access_token: string }).access_token}`;
  const end = now + tokenLifetimeDefaultSeconds * 1000;
  expect(office.admit(token, now)).toBe("granted");
  expect(office.admit(token, wallMs(end - 1))).toBe("granted");
  expect(office.admit(token, wallMs(end))).toBe("expiredAccessToken");
  expect(office.admit(null, now)).toBe("noAccessToken");
  expect(office.admit("Bearer guess", now)).toBe("invalidAccessToken");
  expect(office.admit("Basic guess", now)).toBe("invalidAccessToken");
  office.revokeAll();
  expect(office.admit(token, now)).toBe("invalidAccessToken");
});

test.each<[string, Signing]>([
  ["another key", { key: stranger.privateKey }],
  ["another algorithm", { alg: "PS256" }],
  ["another issuer", { claims: { iss: "werf-2" } }],
  ["another subject", { claims: { sub: "werf-2" } }],
  ["another audience", { claims: { aud: "https://example.org/token" } }],
  ["no jti", { claims: { jti: undefined } }],
  ["no exp", { claims: { exp: undefined } }],
  ["an exp in the past", { claims: { iat: seconds - 300, exp: seconds } }],
  ["a life of more than 300 s", { claims: { exp: seconds + 301 } }],
  ["a life of more than 300 s and no iat", { claims: { iat: undefined, exp: seconds + 301 } }],
  ["an iat far ahead", { claims: { iat: seconds + 61, exp: seconds + 300 } }],
])("an assertion with %s is refused as that of no client", async (_, signing) => {
  const reply = await askWith(await openOffice(), signing);
  expect(reply.status).toBe(401);
  expect(reply.body).toEqual({ error: "invalid_client", error_description: expect.any(String) });
});

test("an assertion is taken once, within its life; its number may come again afterwards", async () => {
  const office = await openOffice();
  const form = await formWith({ claims: { jti: "again" } });
  expect((await ask(office, form)).status).toBe(200);
  expect((await ask(office, form)).body).toMatchObject({ error_description: "this assertion was used before" });
  const later = await formWith({ claims: { jti: "again", iat: seconds + 300, exp: seconds + 600 } });
  expect((await ask(office, later, now + 300_000)).status).toBe(200);
});

test.each<[string, Record<string, string>, string]>([
  ["another grant", { grant_type: "password" }, "unsupported_grant_type"],
  ["another type of assertion", { client_assertion_type: "urn:x" }, "invalid_request"],
  ["another client_id", { client_id: "werf-2" }, "invalid_client"],
  ["no assertion", { client_assertion: "" }, "invalid_client"],
  ["an assertion that is none", { client_assertion: "a.b.c" }, "invalid_client"],
])("a request with %s is refused", async (_, change, error) => {
  const reply = await ask(await openOffice(), { ...(await formWith()), ...change });
  expect(reply.body).toMatchObject({ error });
});

test("the audience may be the real endpoint's, or among others", async () => {
  const office = await openOffice();
  const real = "https://services.socialsecurity.be/REST/oauth/v5/token";
  expect((await askWith(office, { claims: { aud: real } })).status).toBe(200);
  expect((await askWith(office, { claims: { aud: ["urn:x", audience] } })).status).toBe(200);
});

test("the client's key may be a JSON Web Key or a set of them", async () => {
  const jwk = client.publicKey.export({ format: "jwk" });
  const other = stranger.publicKey.export({ format: "jwk" });
  expect((await askWith(await openOffice(JSON.stringify(jwk)))).status).toBe(200);
  const set = {
    keys: [
      { ...other, kid: "old" },
      { ...jwk, kid: "new" },
    ],
  };
  const office = await openOffice(JSON.stringify(set));
  expect((await askWith(office, { kid: "new" })).status).toBe(200);
  expect((await askWith(office, { kid: "old" })).status).toBe(401);
});

test.each([
  ["nothing", ""],
  ["a private key", JSON.stringify(client.privateKey.export({ format: "jwk" }))],
  ["a key of another kind", JSON.stringify(generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }))],
  ["a broken PEM", pem.replace("MII", "XXX")],
])("%s is no client's public key", async (_, key) => {
  await expect(openOffice(key)).rejects.toMatchObject({ code: "usage" });
});

test("no more tokens are remembered than the limit, the oldest is forgotten first", async () => {
  const office = await openOffice();
  const first = office.issue(now);
  for (let issued = 1; issued < tokensMax; issued += 1) office.issue(now);
  expect(office.admit(`Bearer ${first}`, now)).toBe("granted");
  office.issue(now);
  expect(office.admit(`Bearer ${first}`, now)).toBe("invalidAccessToken");
});
