import { readAuthority } from "../timestamp/chain.ts";
import { TimestampRefusedError, timestampRefusals } from "../timestamp/refusal.ts";
import { verifyToken } from "../timestamp/token.ts";
import type { TokenVerifier } from "./time-bounds.ts";

/**
 * Verifies tokens up to the authority that the caller named. Their rules are those of the timestamp's own room: it is what
 * the box uses to refuse a bad token when it gets one, and `verify.sh` asks `openssl ts` instead.
 *
 * @returns `null` when the certificates cannot be used, which is the caller's mistake and says nothing of the bundle
 */
export function tokenVerifierFor(caPem: string): TokenVerifier | null {
  try {
    readAuthority(caPem);
  } catch (error) {
    if (error instanceof TimestampRefusedError) return null;
    throw error;
  }
  return (response, imprint) => {
    const answer = verifyToken({ response, imprint, caPem });
    return answer.kind === "verified"
      ? {
          ok: true,
          genTimeMs: answer.genTimeMs,
          notBeforeMs: answer.notBeforeMs,
          notAfterMs: answer.notAfterMs,
        }
      : { ok: false, reason: timestampRefusals[answer.reason] };
  };
}
