import { expect, test } from "vitest";
import { isLoopback } from "./loopback.ts";

test.each(["localhost", "127.0.0.1", "127.9.8.7", "::1", "[::1]"])("%s is this box", (host) => {
  expect(isLoopback(host)).toBe(true);
});

test.each(["127.0.0.1.example", "127.example", "localhost.example", "10.0.0.1", "::2", ""])("%s is not", (host) => {
  expect(isLoopback(host)).toBe(false);
});
