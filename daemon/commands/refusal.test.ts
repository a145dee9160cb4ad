import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { exitCode, exitCodeOf } from "../base/errors.ts";
import { StoreError, type StoreErrorCode } from "../store/store-error.ts";
import { refusalOf } from "./refusal.ts";
import { explain } from "./terminal.ts";

test.each<[StoreErrorCode, string]>([
  ["disk-full", "make room on the disk"],
  ["busy", "try again in a moment"],
  ["corrupt", "start the daemon"],
  ["input-output", "mounted, writable and sound"],
])("a store that is %s is told with what to do, and ends with 74", (code, advice) => {
  const told = refusalOf(new StoreError(code, "what SQLite said"));
  expect(explain(told)).toMatch(new RegExp(`^badged: the store failed: what SQLite said\n  .*${advice}`));
  expect(exitCodeOf(told)).toBe(exitCode.ioError);
});

test.each<StoreErrorCode>(["closed", "defect"])("a store that is %s stays a defect with its stack", (code) => {
  const told = refusalOf(new StoreError(code, "x is undefined"));
  expect(explain(told)).toMatch(/defect in badged.*x is undefined[\s\S]*refusal\.test/);
  expect(exitCodeOf(told)).toBe(exitCode.software);
});

test.each(["EACCES", "EPERM"])(
  "what this user may not do (%s) is told with whose it is to do, and ends with 77",
  (code) => {
    const told = refusalOf(Object.assign(new Error(`${code}: open /somewhere`), { code }));
    expect(explain(told)).toMatch(/^badged: this user may not do that: .*somewhere\n {2}.*runuser -u badged/);
    expect(exitCodeOf(told)).toBe(exitCode.noPermission);
  },
);

test.each([
  ["a package that is not there", "better-sqlite3"],
  ["a native program of another machine", "./foreign.node"],
])("%s is told as an installation that is not whole, without a stack", (_, name) => {
  const folder = mkdtempSync(join(tmpdir(), "badged-half-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "foreign.node"), "of another machine");
  const told = refusalOf(failureOf(() => createRequire(join(folder, "main.js"))(name)));
  expect(explain(told)).toMatch(/^badged: badged is not installed whole: [^\n]+\n {2}.*npm ci.*$/);
  expect(exitCodeOf(told)).toBe(exitCode.unavailable);
});

function failureOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}
