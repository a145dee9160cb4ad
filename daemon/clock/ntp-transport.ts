import type { RawExchange } from "./ntp-exchange.ts";

export type NtpAddress = {
  /** A name or a literal address. */
  readonly host: string;
  /** UDP, 123 unless told. */
  readonly port: number;
};

export type NtpReply =
  /** `address`: of the server that answered, by which two names of one server are known. */
  | { readonly kind: "replied"; readonly exchange: RawExchange; readonly address: string }
  | { readonly kind: "silent"; readonly waitedMs: number }
  /** The system's own code: `ECONNREFUSED`, `ENETUNREACH`, `ENOTFOUND`… */
  | { readonly kind: "failed"; readonly code: string };

/** Asks one server once. Never rejects: not being answered is an outcome. */
export interface NtpTransport {
  exchange(address: NtpAddress, signal: AbortSignal): Promise<NtpReply>;
}
