import { expect, test } from "vitest";
import type { Log } from "../../../base/log.ts";
import { ManualTime } from "../../../testing/manual-time.ts";
import { NoTokenError } from "../../upstream.ts";
import { TokenKeeper } from "./token-keeper.ts";
import type { TokenFailure, TokenFailureKind, TokenOutcome } from "./token-outcome.ts";

const never = new AbortController().signal;
const granted = (token: string): TokenOutcome => ({ kind: "granted", token, lifetimeMs: 100_000 });
const failed = (kind: TokenFailureKind, detail = "status 500"): TokenOutcome => ({ kind, detail, retryAfterMs: null });

/** An endpoint that answers when the test says so. */
function keeping(time = new ManualTime()) {
  const asked: { readonly answer: (outcome: TokenOutcome) => void }[] = [];
  const seen: (TokenFailure["kind"] | "ok")[] = [];
  const lines: string[] = [];
  const write = (level: string) => (fields: object, message: string) =>
    void lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  const log: Log = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    fatal: write("fatal"),
    child: () => log,
  };
  const keeper = new TokenKeeper({
    ask: (signal) => {
      const { promise, resolve } = Promise.withResolvers<TokenOutcome>();
      signal.addEventListener("abort", () => resolve(failed("interrupted")));
      asked.push({ answer: resolve });
      return promise;
    },
    onSeen: (failure) => seen.push(failure?.kind ?? "ok"),
    time,
    random: () => 0.5,
    log,
  });
  const answer = async (outcome: TokenOutcome): Promise<void> => {
    asked.at(-1)?.answer(outcome);
    await time.advance(0);
  };
  return { time, keeper, asked, seen, lines, answer };
}

test("everybody who wants a token waits for the same request, and then it is there", async () => {
  const { keeper, asked, answer, seen } = keeping();
  await using _closing = keeper;
  const tokens = [keeper.token(never), keeper.token(never), keeper.token(never)];
  await answer(granted("t1"));
  expect(await Promise.all(tokens)).toEqual(["t1", "t1", "t1"]);
  expect(await keeper.token(never)).toBe("t1");
  expect(asked).toHaveLength(1);
  expect(seen).toEqual(["ok"]);
});

test("it is renewed early, and while that fails the old one serves and nothing is said against the endpoint", async () => {
  const { keeper, time, asked, answer, seen } = keeping();
  await using _closing = keeper;
  keeper.start();
  await answer(granted("t1"));
  await time.advance(80_000);
  const during = keeper.token(never);
  await answer(failed("down"));
  expect(await during).toBe("t1");
  expect(await keeper.token(never)).toBe("t1");
  expect(asked).toHaveLength(2);
  expect(seen).toEqual(["ok", "ok"]);
  await time.advance(1_000);
  await answer(granted("t2"));
  expect(await keeper.token(never)).toBe("t2");
});

test("after a failure it asks again by itself, so that the end of an outage is seen when it comes", async () => {
  const { keeper, time, asked, answer, seen } = keeping();
  await using _closing = keeper;
  const wanted = expect(keeper.token(never)).rejects.toThrow("the token endpoint is not available: status 500");
  await answer(failed("down"));
  await wanted;
  const error = await keeper.token(never).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(NoTokenError);
  expect(error).toMatchObject({ retryAfterMs: 750 });
  expect(asked).toHaveLength(1);
  await time.advance(750);
  expect(asked).toHaveLength(2);
  await answer(granted("t1"));
  expect(seen).toEqual(["down", "ok"]);
});

test("a timer that fires a moment early does not end the asking", async () => {
  class HastyTime extends ManualTime {
    override after(delayMs: number, run: () => void): Disposable {
      return super.after(delayMs > 2 ? delayMs - 0.5 : delayMs, run);
    }
  }
  const { keeper, time, asked, answer } = keeping(new HastyTime());
  await using _closing = keeper;
  keeper.start();
  await answer(failed("down"));
  await time.advance(2_000);
  expect(asked).toHaveLength(2);
});

test("for an hour a refused key costs few requests, and one line in the log", async () => {
  const { keeper, time, asked, lines, answer } = keeping();
  await using _closing = keeper;
  keeper.start();
  await answer(failed("refused", "status 401, invalid_client"));
  for (let second = 0; second < 3_600; second += 1) {
    await time.advance(1_000);
    await answer(failed("refused", "status 401, invalid_client"));
    await keeper.token(never).catch(() => null);
  }
  expect(asked.length).toBeLessThanOrEqual(12);
  expect(lines).toEqual([
    'error no token obtained {"kind":"refused","detail":"status 401, invalid_client","retryInMs":22500,"hasToken":false}',
  ]);
});

test("a token that the service refuses is renewed once", async () => {
  const { keeper, asked, answer } = keeping();
  await using _closing = keeper;
  keeper.start();
  await answer(granted("t1"));
  keeper.refused("t1");
  const renewed = keeper.token(never);
  await answer(granted("t2"));
  expect(await renewed).toBe("t2");
  keeper.refused("t2");
  expect(await keeper.token(never)).toBe("t2");
  expect(asked).toHaveLength(2);
});

test("an outage that is over ends the wait for an endpoint that was down", async () => {
  const { keeper, time, asked, answer } = keeping();
  await using _closing = keeper;
  keeper.start();
  for (let count = 0; count < 10; count += 1) {
    await answer(failed("down"));
    await time.advance(45_000);
  }
  await answer(failed("down"));
  const before = asked.length;
  keeper.hasten();
  expect(asked).toHaveLength(before + 1);
});

test("whoever stops waiting does not take the request from the others", async () => {
  const { keeper, answer, asked } = keeping();
  await using _closing = keeper;
  const stop = new AbortController();
  const [impatient, patient] = [keeper.token(stop.signal), keeper.token(never)];
  const refused = expect(impatient).rejects.toBeInstanceOf(NoTokenError);
  stop.abort();
  await refused;
  await answer(granted("t1"));
  expect(await patient).toBe("t1");
  expect(asked).toHaveLength(1);
});

test("closing ends the request, and whoever waits gets no token and no further request", async () => {
  const { keeper, asked, seen } = keeping();
  const waiting = expect(keeper.token(never)).rejects.toBeInstanceOf(NoTokenError);
  await keeper[Symbol.asyncDispose]();
  await waiting;
  await expect(keeper.token(never)).rejects.toBeInstanceOf(NoTokenError);
  expect(asked).toHaveLength(1);
  expect(seen).toEqual([]);
});

test("no token ever stands in the log", async () => {
  const { keeper, lines, answer } = keeping();
  await using _closing = keeper;
  keeper.start();
  await answer(failed("clock-unknown", ""));
  keeper.start();
  await answer(granted("s3cret"));
  expect(lines.join("\n")).not.toContain("s3cret");
});
