import { BadgedError } from "../base/errors.ts";
import { forbidden, isForbidden } from "../base/permission.ts";
import { storeAdvice } from "../store/store-advice.ts";
import { StoreError } from "../store/store-error.ts";

/** A failure as a person is told of it: what the disk or the rights of this user keep from being done is no defect of badged. */
export function refusalOf(error: unknown): unknown {
  if (error instanceof StoreError) {
    const advice = storeAdvice[error.code];
    if (advice === null) return error;
    return new BadgedError("store-unusable", `the store failed: ${error.message}`, advice, { cause: error });
  }
  return isForbidden(error) ? forbidden(error) : error;
}
