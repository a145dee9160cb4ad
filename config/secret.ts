import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { BadgedError, type ErrorCode, isBoxFault, messageOf, systemCode } from "../daemon/base/errors.ts";

/** A token is some hundred bytes, a private key a few thousand; anything longer is the wrong file. */
export const secretMaxBytes: number = 16_384;

/** Where systemd puts the credentials of a unit (`LoadCredential=`); the one variable that a `*File` may begin with. */
export const credentialsVariable: string = "$CREDENTIALS_DIRECTORY/";

/** Whether the secret is one that only a service started by systemd sees. */
export function isCredential(path: string): boolean {
  return path.startsWith(credentialsVariable);
}

/** What keeps a secret from being used, as a sentence without its subject, and what to do about it. */
export type SecretFault = {
  readonly kind: "missing" | "unreadable" | "unsafe" | "disk-failed";
  readonly message: string;
  readonly advice: string;
};

type Opened = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly fault: SecretFault };

/**
 * The secret in a file, without the newline at its end.
 *
 * @throws BadgedError `secret-unsafe` when others may read or replace the file, or when it holds no secret;
 *   `configuration-unreadable` when it cannot be read, `disk-failed` when the disk does not give it
 */
export function readSecret(path: string): string {
  const opened = openSecret(path);
  if (opened.ok) return opened.text;
  throw new BadgedError(codes[opened.fault.kind], `the secret ${path} ${opened.fault.message}`, opened.fault.advice);
}

const codes: Readonly<Record<SecretFault["kind"], ErrorCode>> = {
  missing: "configuration-unreadable",
  unreadable: "configuration-unreadable",
  unsafe: "secret-unsafe",
  "disk-failed": "disk-failed",
};

/** What `readSecret` would refuse; `null` when it would not. */
export function secretFault(path: string): SecretFault | null {
  const opened = openSecret(path);
  return opened.ok ? null : opened.fault;
}

/** Looks at the very file that is then read, so that nobody swaps it in between. */
export function openSecret(path: string): Opened {
  if (isCredential(path)) return outsideUnit;
  let descriptor: number;
  try {
    // Without O_NONBLOCK a named pipe would hold the start for ever.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return { ok: false, fault: openFault(error) };
  }
  try {
    const fault = statusFault(fstatSync(descriptor));
    if (fault !== null) return { ok: false, fault };
    const text = readFileSync(descriptor, "utf8").replace(/\r?\n$/, "");
    return text === "" ? { ok: false, fault: empty } : { ok: true, text };
  } catch (error) {
    return { ok: false, fault: openFault(error) };
  } finally {
    closeSync(descriptor);
  }
}

type Status = { readonly mode: number; readonly size: number; isFile(): boolean };

function statusFault(status: Status): SecretFault | null {
  const unsafe = (message: string, advice: string): SecretFault => ({ kind: "unsafe", message, advice });
  if (!status.isFile()) return unsafe("is no file", "name the file that holds the secret");
  if ((status.mode & 0o004) !== 0) {
    return unsafe(
      "may be read by every user of this box",
      "chmod 600 it, and replace the secret: it may have been read",
    );
  }
  if ((status.mode & 0o022) !== 0) {
    return unsafe("may be replaced by other users of this box", "chmod 600 it");
  }
  if (status.size > secretMaxBytes) {
    return unsafe(`is longer than ${secretMaxBytes} bytes`, "name the file that holds the secret and nothing else");
  }
  return null;
}

function openFault(error: unknown): SecretFault {
  if (isBoxFault(error)) {
    const message = `cannot be read from its disk: ${messageOf(error)}`;
    return { kind: "disk-failed", message, advice: "look at the disk or card it is on" };
  }
  const code = systemCode(error);
  if (code === "ENOENT" || code === "ENOTDIR") {
    return { kind: "missing", message: "does not exist", advice: "write the secret into it and chmod 600 it" };
  }
  const message = code === "EACCES" ? "may not be read by this user" : `cannot be read: ${messageOf(error)}`;
  return { kind: "unreadable", message, advice: "give it to the user that badged runs as, and chmod 600 it" };
}

const empty: SecretFault = { kind: "unsafe", message: "is empty", advice: "write the secret into it" };

const outsideUnit: Opened = {
  ok: false,
  fault: {
    kind: "missing",
    message: "is a credential of systemd, and badged was not started with credentials",
    advice: "add LoadCredential= to the unit, or start badged through systemd",
  },
};
