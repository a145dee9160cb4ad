import { messageOf, systemCode } from "../../daemon/base/errors.ts";
import type { OfflineReason } from "../contract.ts";

export type Offline = { readonly reason: OfflineReason; readonly detail: string };

/** Why a port could not be opened, in words for the installer. The binding's own errors carry no code, only strerror's text. */
export function offlineOf(error: unknown, path: string): Offline {
  const message = messageOf(error);
  switch (systemCode(error) ?? codeIn(message)) {
    case "ENOENT":
    case "ENOTDIR":
    case "ENXIO":
    case "ENODEV":
      return { reason: "not-found", detail: `there is no device at ${path}` };
    case "EACCES":
    case "EPERM":
      return {
        reason: "permission",
        detail: `${path} may not be opened; its group, often dialout, is whom it lets in`,
      };
    case "EAGAIN":
    case "EBUSY":
      return inUse(path);
    case "ENOTTY":
      return { reason: "failed", detail: `${path} is no serial device` };
    default:
      return { reason: "failed", detail: `${path}: ${message}` };
  }
}

export function inUse(path: string): Offline {
  return { reason: "busy", detail: `${path} is in use by another program` };
}

const texts: readonly (readonly [text: string, code: string])[] = [
  ["No such file or directory", "ENOENT"],
  ["No such device", "ENODEV"],
  ["Permission denied", "EACCES"],
  ["Operation not permitted", "EPERM"],
  ["Resource temporarily unavailable", "EAGAIN"],
  ["Device or resource busy", "EBUSY"],
  ["Inappropriate ioctl for device", "ENOTTY"],
];

function codeIn(message: string): string | null {
  return texts.find(([text]) => message.includes(text))?.[1] ?? null;
}
