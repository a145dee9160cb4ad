import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exitCode } from "./base/errors.ts";
import { ensureDeviceKey } from "./evidence/device-key.ts";
import { writeSite } from "./testing/campaign/site.ts";

/** Who writes into a file of a disk that is full: `/dev/full` takes nothing and says so. */

let directory: string;
let full: number;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "badged-full-"));
  full = openSync("/dev/full", "w");
});
afterEach(() => {
  closeSync(full);
  rmSync(directory, { recursive: true });
});

type Ran = { readonly code: number | null; readonly told: string };

/** Of the two streams, the one that is not full is told. */
async function badged(fullStream: "out" | "err", ...words: string[]): Promise<Ran> {
  const child = spawn(process.execPath, ["daemon/main.ts", ...words], {
    stdio: ["ignore", fullStream === "out" ? full : "pipe", fullStream === "err" ? full : "pipe"],
  });
  let told = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => (told += chunk.toString("utf8")));
  }
  const [code] = await once(child, "close");
  return { code, told };
}

test.each([["check-config"], ["evidence identity"], ["--help"]])(
  "%s does not end as if it were told",
  async (words) => {
    const { configuration, store } = writeSite(directory, 3, "http://127.0.0.1:9");
    mkdirSync(store);
    ensureDeviceKey(store);
    const parameters = words === "--help" ? [] : [configuration];
    expect(await badged("out", ...words.split(" "), ...parameters)).toEqual({
      code: exitCode.ioError,
      told: expect.stringMatching(/^badged: the output cannot be written: ENOSPC.*\n {2}make room.*\n$/m),
    });
  },
);

test("what cannot be said of a mistake changes nothing about it", async () => {
  expect(await badged("err", "check-config", join(directory, "none"))).toMatchObject({ code: exitCode.configuration });
});

test("a daemon whose log finds no room records on", async () => {
  const { configuration } = writeSite(directory, 3, "http://127.0.0.1:9", { logLevel: "info" });
  const child = spawn(process.execPath, ["daemon/main.ts", "run", configuration], { stdio: ["ignore", full, "pipe"] });
  let err = "";
  child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString("utf8")));
  const ended = once(child, "close");
  for (;;) {
    const { code } = await badged("err", "status", "-c", configuration);
    if (code === exitCode.ok || child.exitCode !== null) break;
  }
  child.kill("SIGTERM");
  expect([(await ended)[0], err]).toEqual([exitCode.ok, ""]);
});
