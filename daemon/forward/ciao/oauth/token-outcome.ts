/**
 * How asking for a token ended.
 *
 * - `granted`: `lifetimeMs` is `null` when the endpoint did not say how long it holds.
 * - `refused`: the endpoint does not know our client id or our key, or does not take what we sent (4xx).
 * - `key-unusable`: our own key could not be read; nothing was sent.
 * - `not-made`: this box could not make the request, for a part of badged that cannot be read; nothing was sent.
 * - `throttled`: 429.
 * - `no-name`: no name server told its address. Whose that name server is cannot be told from here.
 * - `not-reached`: no connection.
 * - `down`: no answer in time over a connection, or 5xx.
 * - `unintelligible`: an answer that is none of a token endpoint.
 * - `tls-failed`: the certificate was not taken. Whose fault that is has to be looked at.
 * - `pin-mismatch`: the certificate is trusted, and not one that the configuration pins.
 * - `clock-unknown`: nothing proves the time that an assertion has to carry; nothing was sent.
 * - `interrupted`: badged is stopping.
 */
export type TokenOutcome =
  | { readonly kind: "granted"; readonly token: string; readonly lifetimeMs: number | null }
  | TokenFailure;

export type TokenFailure = {
  readonly kind: TokenFailureKind;
  /** For people and logs: never a token, an assertion or a key. */
  readonly detail: string;
  readonly retryAfterMs: number | null;
};

export type TokenFailureKind =
  | "refused"
  | "key-unusable"
  | "not-made"
  | "throttled"
  | "no-name"
  | "not-reached"
  | "down"
  | "unintelligible"
  | "tls-failed"
  | "pin-mismatch"
  | "clock-unknown"
  | "interrupted";

/** Whose the failure is, as far as its kind tells. `tls-failed` is told by a look at the certificate, `no-name` by none. */
export const tokenFailureIsOurs: Readonly<Record<TokenFailureKind, boolean | null>> = {
  refused: true,
  "key-unusable": true,
  "not-made": true,
  throttled: true,
  "pin-mismatch": true,
  "no-name": null,
  "not-reached": false,
  down: false,
  unintelligible: false,
  "tls-failed": null,
  "clock-unknown": null,
  interrupted: null,
};

export const tokenFailureWords: Readonly<Record<TokenFailureKind, string>> = {
  refused: "the token endpoint refuses the client id or the key",
  "key-unusable": "the private key cannot be used",
  "not-made": "this box cannot make the request to the token endpoint",
  throttled: "the token endpoint asks for fewer requests",
  "no-name": "no name server tells where the token endpoint is",
  "not-reached": "the token endpoint cannot be reached",
  down: "the token endpoint is not available",
  unintelligible: "the token endpoint's answer is none of a token endpoint",
  "tls-failed": "the token endpoint's certificate is not taken",
  "pin-mismatch": "the token endpoint's certificate is not one that service.pin names",
  "clock-unknown": "nothing proves the time yet, which a signed request has to carry",
  interrupted: "badged is stopping",
};
