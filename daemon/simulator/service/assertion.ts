import type { CryptoKey, JSONWebKeySet } from "jose";
import * as v from "valibot";
import { BadgedError, messageOf } from "../../base/errors.ts";
import type { WallMs } from "../../base/time.ts";
import { plainIssue } from "./plain-issue.ts";

/** (T) The longest life of an assertion. */
export const assertionMaxSeconds = 300;

/** How far a client's clock may be ahead of the simulator's. */
export const clockSkewMaxSeconds = 60;

/** (C) */
const algorithm = "RS256";

/** Verifies the signature of an assertion and hands back what it claims; rejects when the signature is not the client's. */
export type Verify = (assertion: string) => Promise<Uint8Array>;

/**
 * Reads the client's public key: PEM (`PUBLIC KEY` or `CERTIFICATE`), a JSON Web Key or a set of them.
 *
 * @throws BadgedError `usage` when it is none of these, or no key for RS256
 */
export async function readClientKey(text: string): Promise<Verify> {
  if (/PRIVATE KEY-----/.test(text)) {
    throw new BadgedError(
      "usage",
      "this is the client's private key, which no service ever sees",
      "give its public half: openssl pkey -in PRIVATE.pem -pubout -out PUBLIC.pem",
    );
  }
  const { compactVerify, createLocalJWKSet } = await import("jose");
  const options = { algorithms: [algorithm] };
  try {
    const key = await importKey(text.trim());
    if ("keys" in key) {
      const find = createLocalJWKSet(key);
      return async (assertion) => (await compactVerify(assertion, find, options)).payload;
    }
    return async (assertion) => (await compactVerify(assertion, key, options)).payload;
  } catch (error) {
    throw new BadgedError(
      "usage",
      `the client's public key cannot be read: ${messageOf(error)}`,
      "give a file with a public RSA key or a certificate in PEM, or a JSON Web Key (set)",
      { cause: error },
    );
  }
}

async function importKey(text: string): Promise<CryptoKey | JSONWebKeySet> {
  const { importJWK, importSPKI, importX509 } = await import("jose");
  if (text.startsWith("-----BEGIN CERTIFICATE-----")) return await importX509(text, algorithm);
  if (text.startsWith("-----BEGIN PUBLIC KEY-----")) return await importSPKI(text, algorithm);
  const parsed = documentOf(text);
  if (v.is(v.looseObject({ keys: v.array(v.looseObject({ kty: v.literal("RSA") })) }), parsed)) {
    return { keys: parsed.keys };
  }
  if (!v.is(v.looseObject({ kty: v.literal("RSA") }), parsed) || "d" in parsed) {
    throw new TypeError("expected a public RSA key");
  }
  const key = await importJWK(parsed, algorithm);
  if (key instanceof Uint8Array) throw new TypeError("expected a public RSA key");
  return key;
}

function documentOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TypeError("it is neither PEM of a public key nor JSON", { cause: error });
  }
}

const claims = v.looseObject({
  iss: v.string(),
  sub: v.string(),
  aud: v.union([v.string(), v.array(v.string())]),
  jti: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  iat: v.optional(v.number()),
  exp: v.number(),
});

export type Claims = { readonly jti: string; readonly expiresMs: number };

/** What an assertion has to claim, or in one sentence why it is not taken. */
export function checkClaims(
  payload: Uint8Array,
  expected: { readonly clientId: string; readonly audiences: readonly string[]; readonly now: WallMs },
): Claims | string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(payload).toString("utf8"));
  } catch {
    return "the claims are not JSON";
  }
  const checked = v.safeParse(claims, parsed);
  if (!checked.success) {
    const [issue] = checked.issues;
    return `claim ${v.getDotPath(issue) ?? ""}: ${plainIssue(issue)}`;
  }
  const { iss, sub, aud, jti, iat, exp } = checked.output;
  const nowSeconds = expected.now / 1000;
  if (iss !== expected.clientId || sub !== expected.clientId) return "iss and sub have to be the client id";
  if (![aud].flat().some((each) => expected.audiences.includes(each))) return "aud is not this token endpoint";
  if (exp <= nowSeconds) return "the assertion has expired";
  if (iat !== undefined && iat > nowSeconds + clockSkewMaxSeconds) return "the assertion was issued in the future";
  if (exp - (iat ?? nowSeconds) > assertionMaxSeconds) return `exp is more than ${assertionMaxSeconds} s after iat`;
  return { jti, expiresMs: exp * 1000 };
}
