import { InvariantError } from "../base/assert.ts";
import { BadgedError, type ErrorCode, messageOf } from "../base/errors.ts";
import type { Packed } from "./column-pack.ts";
import { StoreError, type StoreErrorCode } from "./store-error.ts";
import type { Gauges, StorePart } from "./store-keeper.ts";
import type { StoreSettings } from "./store-settings.ts";

/**
 * To the worker thread. One at a time: the next leaves when the last was answered, so that scans can overtake. `open` is
 * the first, and `close` the last.
 */
export type Request =
  | { readonly kind: "open"; readonly settings: StoreSettings }
  | { readonly kind: "record"; readonly drafts: Packed }
  | {
      readonly kind: "call";
      readonly part: StorePart;
      readonly method: string;
      readonly parameters: readonly unknown[];
    }
  | { readonly kind: "close" };

/**
 * From the worker thread. An answer tells the gauges beside its own, except that of scans: a worker stands at the reader,
 * so theirs follow in a message behind it.
 */
export type Reply =
  | { readonly kind: "opened"; readonly gauges: Gauges }
  | { readonly kind: "recorded"; readonly outcomes: Packed }
  | { readonly kind: "gauges"; readonly gauges: Gauges }
  | { readonly kind: "returned"; readonly value: unknown; readonly gauges: Gauges }
  | { readonly kind: "failed"; readonly failure: Failure }
  | { readonly kind: "closed" }
  /** No answer: what is under way takes long, and goes on. */
  | { readonly kind: "progressed" }
  | { readonly kind: "log"; readonly level: LogLevel; readonly fields: object; readonly message: string };

export type LogLevel = "debug" | "info" | "warn" | "error" | "fatal";

/** An error in a form that survives the way between threads, which keeps neither class nor code. */
export type Failure =
  | { readonly kind: "badged"; readonly code: ErrorCode; readonly message: string; readonly advice: string }
  | { readonly kind: "store"; readonly code: StoreErrorCode; readonly message: string }
  | { readonly kind: "invariant"; readonly message: string };

export function failureOf(error: unknown): Failure {
  if (error instanceof BadgedError) {
    return { kind: "badged", code: error.code, message: error.message, advice: error.advice };
  }
  if (error instanceof InvariantError) return { kind: "invariant", message: error.message };
  const code = error instanceof StoreError ? error.code : "defect";
  return { kind: "store", code, message: messageOf(error) };
}

export function errorOf(failure: Failure): Error {
  switch (failure.kind) {
    case "badged":
      return new BadgedError(failure.code, failure.message, failure.advice);
    case "store":
      return new StoreError(failure.code, failure.message);
    case "invariant":
      return new InvariantError(failure.message);
  }
}
