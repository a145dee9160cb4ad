import { BadgedError } from "../base/errors.ts";
import { installationFault } from "../base/installation.ts";
import { forbidden, isForbidden } from "../base/permission.ts";
import { storeAdvice } from "../store/store-advice.ts";
import { StoreError } from "../store/store-error.ts";

/**
 * A failure as a person is told of it: what the disk, the rights of this user, or an installation that is not whole keep
 * from being done is no defect of badged.
 */
export function refusalOf(error: unknown): unknown {
  if (error instanceof StoreError) {
    const advice = storeAdvice[error.code];
    if (advice === null) return error;
    return new BadgedError("store-unusable", `the store failed: ${error.message}`, advice, { cause: error });
  }
  if (isForbidden(error)) return forbidden(error);
  return installationFault(error) ?? error;
}
