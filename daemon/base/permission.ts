import { BadgedError, messageOf, systemCode } from "./errors.ts";

/** Whether the system refused because of who asked. */
export function isForbidden(error: unknown): boolean {
  const code = systemCode(error);
  return code === "EACCES" || code === "EPERM";
}

/** What the system refused to this user, for a person who may be another one. */
export function forbidden(cause: unknown): BadgedError {
  return new BadgedError("no-permission", `this user may not do that: ${messageOf(cause)}`, asItsUser, { cause });
}

const asItsUser =
  "run it as the user that badged runs as (as root: runuser -u badged -- badged …); if you did, the files are another's: chown -R badged:badged the store's folder";
