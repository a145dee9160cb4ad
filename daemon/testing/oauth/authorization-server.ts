import type { KeyObject } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";

export const testClientId: string = "badged-test";

export interface AuthorizationServer extends AsyncDisposable {
  readonly tokenUrl: string;
  /** Every body that came to the token endpoint. */
  readonly requests: readonly URLSearchParams[];
}

/**
 * A certified OAuth server that others wrote, on loopback: client credentials, with the client shown by an assertion under
 * `publicKey`. It is not taken in by what our own client takes for right.
 */
export async function startAuthorizationServer(publicKey: KeyObject): Promise<AuthorizationServer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: testClientId,
        grant_types: ["client_credentials"],
        response_types: [],
        redirect_uris: [],
        token_endpoint_auth_method: "private_key_jwt",
        token_endpoint_auth_signing_alg: "RS256",
        jwks: { keys: [{ ...publicKey.export({ format: "jwk" }), kty: "RSA", use: "sig", alg: "RS256" }] },
      },
    ],
    clientAuthMethods: ["private_key_jwt"],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    ttl: { ClientCredentials: 600 },
    scopes: ["openid", "presence"],
  });
  const requests: URLSearchParams[] = [];
  const handle = provider.callback();
  server.on("request", (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => requests.push(new URLSearchParams(Buffer.concat(chunks).toString())));
    void handle(request, response);
  });
  return { tokenUrl: `${issuer}/token`, requests, [Symbol.asyncDispose]: () => closed(server) };
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
