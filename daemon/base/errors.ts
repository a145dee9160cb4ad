/** Process exit codes, from sysexits.h. */
export const exitCode = {
  ok: 0,
  failed: 1,
  /** Of `evidence verify` alone: neither verified nor refuted, because something that is needed is missing. */
  notChecked: 2,
  usage: 64,
  dataError: 65,
  noInput: 66,
  unavailable: 69,
  software: 70,
  ioError: 74,
  noPermission: 77,
  configuration: 78,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** Every way in which badged can fail that a person may have to act on. */
export type ErrorCode =
  | "configuration-invalid"
  | "configuration-unreadable"
  | "disk-failed"
  | "secret-unsafe"
  | "roster-invalid"
  | "roster-unreadable"
  | "store-unusable"
  | "store-newer"
  | "store-undecided"
  | "store-missing"
  | "already-running"
  | "daemon-not-running"
  | "port-unusable"
  | "address-in-use"
  | "no-such-scan"
  | "no-such-outage"
  | "no-such-remark"
  | "scan-not-releasable"
  | "no-evidence"
  | "no-input"
  | "no-permission"
  | "output-unwritable"
  | "installation-incomplete"
  | "usage";

/** An expected failure: `message` says what is wrong, `advice` what to do about it. */
export class BadgedError extends Error {
  override readonly name: string = "BadgedError";
  readonly code: ErrorCode;
  readonly advice: string;

  constructor(code: ErrorCode, message: string, advice: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.advice = advice;
  }
}

const exitCodes: Record<ErrorCode, ExitCode> = {
  "configuration-invalid": exitCode.configuration,
  "configuration-unreadable": exitCode.configuration,
  // No mistake of a person: systemd starts badged again, and the next read may succeed.
  "disk-failed": exitCode.ioError,
  "secret-unsafe": exitCode.configuration,
  "roster-invalid": exitCode.dataError,
  "roster-unreadable": exitCode.noInput,
  "store-unusable": exitCode.ioError,
  "store-newer": exitCode.configuration,
  // As a mistake in the configuration: every start finds the same, until a person has decided.
  "store-undecided": exitCode.configuration,
  "store-missing": exitCode.noInput,
  "already-running": exitCode.unavailable,
  "daemon-not-running": exitCode.unavailable,
  "port-unusable": exitCode.unavailable,
  "address-in-use": exitCode.unavailable,
  "no-such-scan": exitCode.usage,
  "no-such-outage": exitCode.usage,
  "no-such-remark": exitCode.usage,
  "scan-not-releasable": exitCode.usage,
  "no-evidence": exitCode.noInput,
  "no-input": exitCode.noInput,
  "no-permission": exitCode.noPermission,
  "output-unwritable": exitCode.ioError,
  "installation-incomplete": exitCode.unavailable,
  usage: exitCode.usage,
};

export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof BadgedError ? exitCodes[error.code] : exitCode.software;
}

/** The system's own error code (`ENOSPC`, `ECONNREFUSED`…), or `null` when the value carries none. */
export function systemCode(error: unknown): string | null {
  if (typeof error !== "object" || error === null || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}

/** A disk that does not give what it holds (EUCLEAN, EBADMSG: its file system says so), or a box that is out of something. */
const boxCodes: ReadonlySet<string | null> = new Set(["EIO", "EUCLEAN", "EBADMSG", "ENOMEM", "EMFILE", "ENFILE"]);

/** Whether a file could not be read for a reason that is no mistake in its name, its rights or what it holds. */
export function isBoxFault(error: unknown): boolean {
  return boxCodes.has(systemCode(error));
}

/** No name server answered (getaddrinfo's EAI_AGAIN); "there is no such name" has a code of its own. */
export const noNameServerCode = "EAI_AGAIN";

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
