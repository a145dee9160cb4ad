/** Raised when badged finds itself in a state it holds to be impossible: a defect, never a user's mistake. */
export class InvariantError extends Error {
  override readonly name: string = "InvariantError";
}

export function assert(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new InvariantError(claim);
}

/** The value, which the caller knows to be there; `claim` says why it must be. */
export function present<T>(value: T | null | undefined, claim: string): T {
  if (value === null || value === undefined) throw new InvariantError(claim);
  return value;
}

/** Closes an exhaustive `switch`: the compiler refuses it while a case is missing. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${JSON.stringify(value)}`);
}
