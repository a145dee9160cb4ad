import { type DestinationStream, type Logger, pino } from "pino";
import type { Log } from "../base/log.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** JSON lines for journald and machines, lines for a person at a terminal. */
export async function createLog(level: LogLevel, form: "json" | "pretty"): Promise<Log> {
  const destination = form === "pretty" ? await terminalLines() : jsonLines();
  const logger: Logger = pino(
    { level, base: null, errorKey: "err", serializers: { err: pino.stdSerializers.err } },
    destination,
  );
  return logger;
}

/** https://no-color.org, and a terminal that says of itself that it knows none. */
export function takesColours({ NO_COLOR, TERM }: NodeJS.ProcessEnv): boolean {
  return (NO_COLOR ?? "") === "" && TERM !== "dumb";
}

async function terminalLines(): Promise<DestinationStream> {
  return (await import("pino-pretty")).PinoPretty({
    colorize: takesColours(process.env),
    ignore: "pid,hostname",
    // The site's own time where it is Belgium's, as every command tells it.
    translateTime: "SYS:HH:MM:ss",
    sync: true,
  });
}

/**
 * A log that cannot be written, as on a full disk, is no reason to record no scans; and it is what would tell of it. A
 * line that finds no room is lost, for a destination that holds one tries it again for as long as there is none.
 */
function jsonLines(): DestinationStream {
  let destination = standardOutput();
  function standardOutput(): DestinationStream {
    const opened = pino.destination({ fd: 1, sync: true });
    opened.on("error", () => {
      destination = standardOutput();
    });
    return opened;
  }
  return { write: (line) => destination.write(line) };
}
