import { assert } from "../../base/assert.ts";
import type { Time } from "../../base/time.ts";
import { exchangeBytes, type Unreachable } from "../byte-exchange.ts";
import { type ClockReading, plausibleBetween } from "../clock-reading.ts";
import type { RefusedTimestamp } from "./refusal.ts";
import { nonceBytes, timestampRequest } from "./request.ts";
import { responseMaxBytes, type VerifiedToken, verifyToken } from "./token.ts";

export type AuthoritySettings = {
  readonly url: string;
  /** In PEM; the root among them is where trust ends. */
  readonly caPem: string;
  /** The object identifier of the only policy to ask for and take; `null` leaves it to the authority. */
  readonly policy: string | null;
  readonly timeoutMs: number;
};

export type AuthorityPorts = {
  readonly time: Time;
  readonly clock: () => ClockReading;
  /** From a source that cannot be foreseen. */
  readonly randomBytes: (count: number) => Uint8Array;
};

export type StampedToken = VerifiedToken & { readonly response: Uint8Array };

/**
 * How far an authority's time may lie outside our own bound. Authorities cut to the second and promise one second; more
 * than this is a wrong clock, theirs or ours.
 */
export const clockToleranceMs: number = 5_000;

/** Asks one RFC 3161 authority for timestamps. */
export class AuthorityClient {
  readonly #settings: AuthoritySettings;
  readonly #ports: AuthorityPorts;

  constructor(settings: AuthoritySettings, ports: AuthorityPorts) {
    this.#settings = settings;
    this.#ports = ports;
  }

  /** Never rejects. @param imprint 32 bytes of SHA-256 */
  async stamp(imprint: Uint8Array, signal: AbortSignal): Promise<StampedToken | RefusedTimestamp | Unreachable> {
    assert(imprint.length === 32, "a timestamp is over SHA-256");
    const { url, caPem, policy, timeoutMs } = this.#settings;
    const nonce = this.#nonce();
    const before = this.#ports.clock();
    const answer = await exchangeBytes(
      {
        method: "POST",
        url,
        headers: {
          "content-type": "application/timestamp-query",
          accept: "application/timestamp-reply",
        },
        body: timestampRequest(imprint, nonce, policy),
        answerMaxBytes: responseMaxBytes,
        timeoutMs,
      },
      this.#ports.time,
      signal,
    );
    if (answer.kind === "unreachable") return answer;
    if (answer.kind === "too-long") return { kind: "refused", reason: "too-long", detail: answer.detail };
    if (answer.status !== 200) return { kind: "refused", reason: "http-status", detail: `HTTP ${answer.status}` };

    const clock = plausibleBetween(before, this.#ports.clock(), clockToleranceMs);
    const verdict = verifyToken({
      response: answer.body,
      imprint,
      caPem,
      nonce,
      ...(policy === null ? {} : { policy }),
      ...(clock === null ? {} : { clock }),
    });
    return verdict.kind === "verified" ? { ...verdict, response: answer.body } : verdict;
  }

  #nonce(): bigint {
    const bytes = this.#ports.randomBytes(nonceBytes);
    assert(bytes.length === nonceBytes, "the nonce has its bytes");
    return BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  }
}
