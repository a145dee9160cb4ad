import { randomBytes } from "node:crypto";
import { type WallMs, wallMs } from "../../base/time.ts";
import { assertionMaxSeconds, checkClaims, readClientKey, type Verify } from "./assertion.ts";
import { type Reply, replyOf, type SimulatorRequest } from "./reply.ts";

/** (U) The real lifetime is not published. Short, so that a client that does not renew is found out. */
export const tokenLifetimeDefaultSeconds = 300;

/** Expired tokens are remembered to tell them from invented ones; past this the oldest is forgotten. */
export const tokensMax = 10_000;

/** (C) RFC 7521 section 4.2 and RFC 7523 section 2.2. */
export const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

export type ClientSettings = {
  readonly id: string;
  /** Its public key: PEM, JSON Web Key or a set of them. */
  readonly key: string;
  /** What an assertion may name as its audience; the token endpoint's own address and the real one's when absent. */
  readonly audiences?: readonly string[];
  readonly tokenLifetimeSeconds?: number;
};

/** The real token endpoint (C): whoever tries the real configuration against the simulator signs for this audience. */
export const realTokenEndpoint = "https://services.socialsecurity.be/REST/oauth/v5/token";

export type TokenVerdict = "granted" | "noAccessToken" | "invalidAccessToken" | "expiredAccessToken";

/**
 * The token endpoint of one client: OAuth 2.0 client credentials with a signed assertion (RFC 7523), as the real one takes
 * them. Each assertion is taken once. Tokens are random and told apart by when they end, by the simulator's clock.
 */
export class TokenOffice {
  readonly #client: ClientSettings;
  readonly #verify: Verify;
  readonly #tokens = new Map<string, WallMs>();
  /** Assertions taken, with the end of their life. */
  readonly #taken = new Map<string, number>();
  /** Where this endpoint listens; known once it does. */
  ownAddress: string | null = null;

  private constructor(client: ClientSettings, verify: Verify) {
    this.#client = client;
    this.#verify = verify;
  }

  /** @throws BadgedError `usage` for a key that cannot be read */
  static async open(client: ClientSettings): Promise<TokenOffice> {
    return new TokenOffice(client, await readClientKey(client.key));
  }

  async reply(request: SimulatorRequest, now: WallMs): Promise<Reply> {
    if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(request.contentType ?? "")) {
      return refusal(400, "invalid_request", "expected application/x-www-form-urlencoded");
    }
    if (request.body === null) return refusal(400, "invalid_request", "the body is too long");
    const form = new URLSearchParams(request.body);
    const names = [...form.keys()];
    if (new Set(names).size < names.length) return refusal(400, "invalid_request", "a parameter is there twice");
    if (form.get("grant_type") !== "client_credentials") {
      return refusal(400, "unsupported_grant_type", "grant_type has to be client_credentials");
    }
    if (form.get("client_assertion_type") !== assertionType) {
      return refusal(400, "invalid_request", `client_assertion_type has to be ${assertionType}`);
    }
    const assertion = form.get("client_assertion") ?? "";
    const { id, tokenLifetimeSeconds: lifetime = tokenLifetimeDefaultSeconds } = this.#client;
    if ((form.get("client_id") ?? id) !== id) return refusal(401, "invalid_client", "another client's client_id");
    const refused = await this.#check(assertion, now);
    if (refused !== null) return refusal(401, "invalid_client", refused);
    const reply = replyOf(200, { access_token: this.issue(now), token_type: "Bearer", expires_in: lifetime });
    return { ...reply, headers: { ...reply.headers, "Cache-Control": "no-store" } };
  }

  /** A token from now on; with no assertion asked for, for tests. */
  issue(now: WallMs): string {
    const token = randomBytes(32).toString("base64url");
    const { tokenLifetimeSeconds: lifetime = tokenLifetimeDefaultSeconds } = this.#client;
    this.#tokens.set(token, wallMs(now + lifetime * 1000));
    const [oldest] = this.#tokens.keys();
    if (this.#tokens.size > tokensMax && oldest !== undefined) this.#tokens.delete(oldest);
    return token;
  }

  admit(authorization: string | null, now: WallMs): TokenVerdict {
    const [, token] = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? "") ?? [];
    if (authorization === null) return "noAccessToken";
    const expires = this.#tokens.get(token ?? "");
    if (expires === undefined) return "invalidAccessToken";
    return expires > now ? "granted" : "expiredAccessToken";
  }

  /** Every token that was given out is worth nothing from now on. */
  revokeAll(): void {
    this.#tokens.clear();
  }

  async #check(assertion: string, now: WallMs): Promise<string | null> {
    let payload: Uint8Array;
    try {
      payload = await this.#verify(assertion);
    } catch {
      // What is wrong with a signature is nobody's business but the signer's, whose own tools tell it.
      return "the assertion is not signed by this client's key with RS256";
    }
    const { id: clientId, audiences = [this.ownAddress ?? realTokenEndpoint, realTokenEndpoint] } = this.#client;
    const claims = checkClaims(payload, { clientId, audiences, now });
    if (typeof claims === "string") return claims;
    for (const [jti, expiresMs] of this.#taken) if (expiresMs <= now) this.#taken.delete(jti);
    if (this.#taken.has(claims.jti)) return "this assertion was used before";
    if (this.#taken.size >= tokensMax) return `more than ${tokensMax} assertions within ${assertionMaxSeconds} s`;
    this.#taken.set(claims.jti, claims.expiresMs);
    return null;
  }
}

/** RFC 6749 section 5.2: not a problem of the Belgif guide, for the endpoint speaks OAuth. */
function refusal(status: 400 | 401, error: string, description: string): Reply {
  const reply = replyOf(status, { error, error_description: description });
  return { ...reply, headers: { ...reply.headers, "Cache-Control": "no-store" } };
}
