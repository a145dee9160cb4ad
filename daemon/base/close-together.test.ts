import { expect, test } from "vitest";
import { closeTogether } from "./close-together.ts";

function part(close: () => Promise<void>): AsyncDisposable {
  return { [Symbol.asyncDispose]: close };
}

test("no part waits for another to close, and all are closed at the end", async () => {
  const begun: string[] = [];
  const last = Promise.withResolvers<void>();
  const parts = [
    part(async () => {
      begun.push("slow");
      await last.promise;
    }),
    part(async () => {
      begun.push("last");
      last.resolve();
    }),
  ];
  await closeTogether(parts, "readers");
  expect(begun).toEqual(["slow", "last"]);
});

test("a part that fails keeps no other from closing, and is told once all are closed", async () => {
  let isClosed = false;
  const cause = new Error("no");
  const parts = [
    part(() => {
      throw cause;
    }),
    part(async () => {
      await Promise.resolve();
      isClosed = true;
    }),
  ];
  const failure = await closeTogether(parts, "readers").catch((error: unknown) => error);
  expect(isClosed).toBe(true);
  expect(failure).toBeInstanceOf(AggregateError);
  expect(failure).toMatchObject({ message: "readers could not be closed", errors: [cause] });
});
