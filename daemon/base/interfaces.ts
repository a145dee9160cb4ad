import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { systemCode } from "./errors.ts";

export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** Each interface that is up with its addresses; `null` where the box cannot list them, as when it is out of file descriptors. */
export function listInterfaces(list: () => Interfaces = networkInterfaces): Interfaces | null {
  try {
    return list();
  } catch (error) {
    if (systemCode(error) === null) throw error;
    return null;
  }
}
