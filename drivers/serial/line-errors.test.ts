import { closeSync, openSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { markLineErrors } from "./line-errors.ts";

let descriptor: number;

beforeEach(() => {
  descriptor = openSync("/dev/null", "r+");
});

afterEach(() => closeSync(descriptor));

test("what is no terminal is told, and not thrown", async () => {
  expect(await markLineErrors(descriptor)).toBe("stty ended with 1");
});

test("a descriptor that is none is told, and not thrown", async () => {
  expect(await markLineErrors(-7)).toEqual(expect.any(String));
});
