import type { KeyObject, webcrypto } from "node:crypto";
import type { WallMs } from "../../../base/time.ts";

/** (T) Not more than 300 s; the rest is for a clock of theirs that is behind ours. */
export const assertionLifetimeSeconds: number = 270;

/** So far `iat` lies back: some endpoints allow a clock that is ahead of theirs nothing, and refuse what is not issued yet. */
export const issuedBackSeconds: number = 30;

/** The proven time, as the clock holds it. */
export type ProvenTime = { readonly utcMs: WallMs; readonly errorBoundMs: number };

/**
 * (T) The claims of the assertion that our clock decides. `iat` is never in the future, whatever the clock's error, nor by a
 * clock that is `issuedBackSeconds` behind ours.
 */
export function assertionTimes({ utcMs, errorBoundMs }: ProvenTime): { readonly iat: number; readonly exp: number } {
  const iat = Math.floor((utcMs - errorBoundMs) / 1000) - issuedBackSeconds;
  return { iat, exp: iat + assertionLifetimeSeconds };
}

/** The key for RS256 (C), as Web Crypto wants it; it cannot be taken out again. */
export function signingKey(key: KeyObject): webcrypto.CryptoKey {
  return key.toCryptoKey({ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, false, ["sign"]);
}
