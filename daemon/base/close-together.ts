/**
 * Closes parts that do not need each other at the same time. Each may take until a deadline of its own; one after the
 * other they would take longer than a stop may (`TimeoutStopSec=`), so that an orderly stop looked like a power cut.
 *
 * @param what the parts, for a failure: `webhooks`
 * @returns once all are closed or have failed, since what they stand on closes after them
 * @throws AggregateError with what each part threw
 */
export async function closeTogether(parts: readonly AsyncDisposable[], what: string): Promise<void> {
  const closed = await Promise.allSettled(parts.map(async (part) => part[Symbol.asyncDispose]()));
  const failed = closed.filter((each) => each.status === "rejected");
  if (failed.length === 0) return;
  throw new AggregateError(
    failed.map(({ reason }) => reason),
    `${what} could not be closed`,
  );
}
