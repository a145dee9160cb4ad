import { renderUnicodeCompact } from "uqr";
import type { Configuration } from "../../config/configuration.ts";
import { readSecret } from "../../config/secret.ts";
import { BadgedError, type ExitCode, exitCode } from "../base/errors.ts";
import { silentLog } from "../base/log.ts";
import { forbidden, isForbidden } from "../base/permission.ts";
import { systemTime } from "../base/system-time.ts";
import { storeSettings } from "../compose/store-settings.ts";
import { type DeviceKey, findDeviceKey, readDeviceKey } from "../evidence/device-key.ts";
import { originOf, publicKeyText } from "../evidence/note.ts";
import { Store } from "../store/store.ts";
import { requireConfiguration } from "./configuration.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Who this box is to a verifier. To be written down at the installation by somebody who is not its owner: a key that is
 * learnt from a bundle proves nothing about that bundle.
 */
export async function showIdentity(configurationFile: string, json: boolean, terminal: Terminal): Promise<ExitCode> {
  const configuration = requireConfiguration(configurationFile);
  const { publicKey, fingerprint } = deviceKeyOf(configuration);
  const origin = originOf(publicKey, await epochOf(configuration));
  const key = publicKeyText(publicKey);
  if (json) {
    terminal.out(JSON.stringify({ origin, fingerprint, key }));
    return exitCode.ok;
  }
  terminal.out(`origin       ${origin}`);
  terminal.out(`fingerprint  ${fingerprint}`);
  terminal.out(`key          ${key}`);
  terminal.out(`\n${renderUnicodeCompact(key)}`);
  return exitCode.ok;
}

/** Of the log that is kept now; 1 before the first start. */
async function epochOf(configuration: Configuration): Promise<number> {
  try {
    await using store = await Store.open(storeSettings(configuration, "visitor"), { time: systemTime, log: silentLog });
    return (await store.evidence.evidenceEnd())?.epoch ?? 1;
  } catch (error) {
    if (error instanceof BadgedError && error.code === "store-missing") return 1;
    throw error;
  }
}

/** Never made here: a command may run as another user than the daemon, which could not read its key then. */
export function deviceKeyOf({ evidence: { keyFile }, store: { directory } }: Configuration): DeviceKey {
  const key = keyFile === null ? ownKeyIn(directory) : readDeviceKey(readSecret(keyFile), keyFile);
  if (key !== null) return key;
  throw new BadgedError(
    "store-missing",
    `there is no key in ${directory} yet`,
    "start the daemon once: it makes the key at its first start",
  );
}

function ownKeyIn(directory: string): DeviceKey | null {
  try {
    return findDeviceKey(directory);
  } catch (error) {
    if (error instanceof BadgedError && isForbidden(error.cause)) throw forbidden(error.cause);
    throw error;
  }
}
