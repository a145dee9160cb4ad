import { connect } from "node:net";
import { systemCode } from "../base/errors.ts";
import { elapsedMs, type Time } from "../base/time.ts";

/**
 * - `alive`: connected, or refused, which only something alive does.
 * - `no-route`: this box has no way there.
 * - `unreachable`: silence, or somebody on the way said so. Beyond the gateway all of these are one and the same.
 */
export type Reach = {
  readonly kind: "alive" | "no-route" | "unreachable";
  readonly tookMs: number;
  readonly detail: string;
};

/** Opens a TCP connection and closes it again. Never rejects. */
export function probeTcp(host: string, port: number, timeoutMs: number, time: Time): Promise<Reach> {
  const startNs = time.monotonicNs();
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (kind: Reach["kind"], detail: string): void => {
      deadline[Symbol.dispose]();
      socket.destroy();
      resolve({ kind, tookMs: elapsedMs(startNs, time.monotonicNs()), detail });
    };
    const deadline = time.after(timeoutMs, () => end("unreachable", `silent for ${timeoutMs} ms`));
    socket.on("connect", () => end("alive", "connected"));
    socket.on("error", (error) => {
      const code = systemCode(error) ?? "UNKNOWN";
      end(
        code === "ECONNREFUSED" || code === "ECONNRESET"
          ? "alive"
          : code === "ENETUNREACH"
            ? "no-route"
            : "unreachable",
        code,
      );
    });
  });
}
