/** Every reason for which an answer of a timestamping authority is not taken. */
export const timestampRefusals = {
  "http-status": "the authority answered with an error instead of a timestamp",
  "too-long": "the answer is longer than any timestamp is",
  malformed: "the answer is not a timestamp response",
  "not-granted": "the authority did not grant the timestamp",
  "other-imprint": "the timestamp is over something else than what was asked",
  "other-nonce": "the answer belongs to another request: it may be an older one that is played again",
  "other-policy": "the timestamp was made under another policy than the configured one",
  "certificate-missing": "the timestamp does not bring the certificate of its signer",
  "certificate-not-named": "the signature does not name the certificate that made it, as RFC 3161 demands",
  "wrong-purpose": "the signer's certificate is not for timestamping alone",
  "certificate-not-valid": "a certificate was not valid at the time of the timestamp",
  "untrusted-authority": "no chain of certificates leads to the configured authority",
  "weak-algorithm": "an algorithm or key is too weak or not known here",
  "wrong-signature": "the signature does not fit the timestamp",
  "clock-disagrees": "the timestamp's time is not the time of this box",
  "authority-unreadable": "the configured certificates of the authority cannot be used",
} as const;

export type TimestampRefusal = keyof typeof timestampRefusals;

export type RefusedTimestamp = {
  readonly kind: "refused";
  readonly reason: TimestampRefusal;
  /** What was seen; the reason in words is in `timestampRefusals`. */
  readonly detail: string;
};

/** Thrown between the steps of a verification, and caught where it starts: it never leaves this folder. */
export class TimestampRefusedError extends Error {
  override readonly name: string = "TimestampRefusedError";
  readonly reason: TimestampRefusal;

  constructor(reason: TimestampRefusal, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.reason = reason;
  }
}
