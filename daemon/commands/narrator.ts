/** One line of the daemon's log. */
export type LogLine = { readonly msg: string; readonly [field: string]: unknown };

export function readLogLine(text: string): LogLine | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "msg" in value && typeof value.msg === "string") {
      return value as LogLine;
    }
    return null;
  } catch {
    // Not a line of the log: the caller shows it as it came.
    return null;
  }
}

/** What the daemon logged, in words a supervisor understands; `null` for what he need not know. */
export function narrate(line: LogLine): string | null {
  const text = (field: string): string => String(line[field] ?? "");
  const count = (field: string, one: string, many: string): string =>
    `${text(field)} ${line[field] === 1 ? one : many}`;
  switch (line.msg) {
    case "reader online":
      return `Reader ${text("reader")} is connected.`;
    case "reader offline":
      return `Reader ${text("reader")} is not connected (${text("reason")}).`;
    case "scan recorded":
      return `Scan ${text("scanId")} (${text("direction").toUpperCase()}) is on disk at ${text("reader")}: green light. Recorded, to be sent.`;
    case "double scan recorded":
      return `Scan ${text("scanId")} is a double of scan ${text("ofScanId")}: kept, not sent.`;
    case "scan of an unknown badge recorded":
      return `Scan ${text("scanId")} is of a badge that the roster does not know: kept until it does.`;
    case "scan not recorded":
      return `A scan was NOT recorded (${text("reason")}): the worker saw red.`;
    case "scans registered":
      return `${count("count", "scan is", "scans are")} REGISTERED: the service has answered.`;
    case "scans refused by the service":
      return `${count("count", "scan was", "scans were")} refused by the service.`;
    case "service not reachable, scans kept":
      return `The service cannot be reached (${text("outcome")}). Scans are kept on disk and sent when it can.`;
    case "service answered with an error, scans kept":
      return `The service answered with an error (${text("outcome")}). Scans are kept on disk.`;
    case "service reachable again":
      return "The service can be reached again: what was kept is sent now.";
    case "clock state changed":
      return clockWords[text("to")] ?? null;
    case "scans have their time now":
      return `${count("scans", "scan has its", "scans have their")} time now: the clock was proven after the badge.`;
    case "roster imported":
      return `The roster is read: ${count("badges", "badge", "badges")}.`;
    case "badged started":
      return `badged runs for ${text("site")}.`;
    case "stopping":
      return "badged stops; what waits is on disk.";
    default:
      return null;
  }
}

const clockWords: Readonly<Record<string, string>> = {
  synchronised: "The clock is checked against time servers: every scan carries the proven bound of its error.",
  holdover: "No time server answers: the time is bounded by what was last proven, or by the service's own clock.",
  untrusted: "The clock is NOT TRUSTED any more: scans are kept and get their time later.",
};
