import { BadgedError } from "../base/errors.ts";
import { storeAdvice } from "../store/store-advice.ts";
import { StoreError } from "../store/store-error.ts";

/** A failure as a person is told of it: what the store refused for the sake of its disk is no defect of badged. */
export function refusalOf(error: unknown): unknown {
  if (error instanceof StoreError) {
    const advice = storeAdvice[error.code];
    if (advice === null) return error;
    return new BadgedError("store-unusable", `the store failed: ${error.message}`, advice, { cause: error });
  }
  return error;
}
