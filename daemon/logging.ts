import { type DestinationStream, type Logger, pino } from "pino";
import type { Log } from "./base/log.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** JSON lines for journald and machines, coloured lines for a person at a terminal. */
export async function createLog(level: LogLevel, form: "json" | "pretty"): Promise<Log> {
  const destination: DestinationStream =
    form === "pretty"
      ? (await import("pino-pretty")).PinoPretty({
          colorize: true,
          ignore: "pid,hostname",
          translateTime: "HH:MM:ss",
          sync: true,
        })
      : pino.destination({ fd: 1, sync: true });
  const logger: Logger = pino(
    { level, base: null, errorKey: "err", serializers: { err: pino.stdSerializers.err } },
    destination,
  );
  return logger;
}
