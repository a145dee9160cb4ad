import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { BadgedError } from "../daemon/base/errors.ts";
import { readSecret, secretFault, secretMaxBytes } from "./secret.ts";

const folder = mkdtempSync(join(tmpdir(), "badged-secret-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function secretWith(content: string, mode: number): string {
  files += 1;
  const path = join(folder, `secret-${files}`);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

function codeOf(path: string): string | null {
  try {
    readSecret(path);
    return null;
  } catch (error) {
    if (error instanceof BadgedError) return error.code;
    throw error;
  }
}

test.each([
  ["abc\n", "abc"],
  ["abc\r\n", "abc"],
  ["abc\n\n", "abc\n"],
  [" abc ", " abc "],
])("of %j the newline at the end is no part of the secret", (content, secret) => {
  expect(readSecret(secretWith(content, 0o600))).toBe(secret);
});

test.each([0o600, 0o400, 0o640, 0o440])("mode %o is safe", (mode) => {
  expect(codeOf(secretWith("abc", mode))).toBeNull();
});

test.each([0o644, 0o604, 0o660, 0o602, 0o666])("mode %o is refused, and says what to type", (mode) => {
  const path = secretWith("abc", mode);
  expect(codeOf(path)).toBe("secret-unsafe");
  expect(secretFault(path)).toMatchObject({ kind: "unsafe", advice: expect.stringContaining("chmod 600") });
});

test("an empty file holds no secret", () => {
  expect(codeOf(secretWith("\n", 0o600))).toBe("secret-unsafe");
});

test("a file at the limit is read, one byte more is refused", () => {
  expect(readSecret(secretWith("a".repeat(secretMaxBytes), 0o600))).toHaveLength(secretMaxBytes);
  expect(codeOf(secretWith("a".repeat(secretMaxBytes + 1), 0o600))).toBe("secret-unsafe");
});

test("a missing file, a folder and a pipe are told apart from a secret, and none of them blocks", () => {
  expect(codeOf(join(folder, "nowhere"))).toBe("configuration-unreadable");
  mkdirSync(join(folder, "folder"), { mode: 0o700 });
  expect(codeOf(join(folder, "folder"))).toBe("secret-unsafe");
  execFileSync("mkfifo", ["-m", "600", join(folder, "pipe")]);
  expect(codeOf(join(folder, "pipe"))).toBe("secret-unsafe");
});

test("a secret that its disk does not give is told apart from one that is not there", () => {
  // The first page of a process's memory: the system itself answers EIO.
  expect(codeOf("/proc/self/mem")).toBe("disk-failed");
  expect(secretFault("/proc/self/mem")?.message).toContain("EIO");
});

test("a credential that systemd did not give says where it comes from", () => {
  expect(secretFault("$CREDENTIALS_DIRECTORY/token")?.advice).toContain("LoadCredential=");
  expect(codeOf("$CREDENTIALS_DIRECTORY/token")).toBe("configuration-unreadable");
});
