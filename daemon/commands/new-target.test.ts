import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exitCode, exitCodeOf } from "../base/errors.ts";
import { writeNew } from "./new-target.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "badged-target-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: write`), { code });
}

function thrownBy(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return null;
}

const halfFolder = (temporary: string): void => {
  mkdirSync(temporary);
  writeFileSync(join(temporary, "half"), "half");
};

test("a file or a folder is there whole, in folders made for it, and nothing is beside it", () => {
  const inner = join(directory, "a", "b");
  writeNew(join(inner, "file"), (temporary) => writeFileSync(temporary, "whole"));
  writeNew(`${join(inner, "folder")}/`, halfFolder);
  expect(readFileSync(join(inner, "file"), "utf8")).toBe("whole");
  expect(existsSync(join(inner, "folder", "half"))).toBe(true);
  expect(readdirSync(inner)).toEqual(["file", "folder"]);
});

test.each([
  ["ENOSPC", exitCode.ioError],
  ["EROFS", exitCode.ioError],
  ["EACCES", exitCode.noPermission],
  ["EPERM", exitCode.noPermission],
])("what fails half-way by %s leaves nothing, is told with another way, and may be tried again", (code, exit) => {
  const target = join(directory, "bundle");
  const thrown = thrownBy(() =>
    writeNew(target, (temporary) => {
      halfFolder(temporary);
      throw systemError(code);
    }),
  );
  expect(thrown).toMatchObject({ message: expect.stringContaining(code), advice: expect.stringContaining("--out") });
  expect(exitCodeOf(thrown)).toBe(exit);
  expect(readdirSync(directory)).toEqual([]);
  writeNew(target, halfFolder);
  expect(readdirSync(directory)).toEqual(["bundle"]);
});

test("a place below a file, or in a part of the system that takes no folder, is told alike", () => {
  writeFileSync(join(directory, "file"), "");
  for (const target of [join(directory, "file", "bundle"), "/proc/nowhere/bundle"]) {
    expect(exitCodeOf(thrownBy(() => writeNew(target, halfFolder))), target).toBe(exitCode.ioError);
  }
});

test("what came there meanwhile is not replaced", () => {
  const target = join(directory, "report.pdf");
  const thrown = thrownBy(() =>
    writeNew(target, (temporary) => {
      writeFileSync(temporary, "ours");
      writeFileSync(target, "theirs");
    }),
  );
  expect(thrown).toMatchObject({ code: "usage" });
  expect(readFileSync(target, "utf8")).toBe("theirs");
  expect(readdirSync(directory)).toEqual(["report.pdf"]);
});

test("a defect while writing stays one", () => {
  const thrown = thrownBy(() =>
    writeNew(join(directory, "x"), () => {
      throw new TypeError("x is undefined");
    }),
  );
  expect(thrown).toBeInstanceOf(TypeError);
});
