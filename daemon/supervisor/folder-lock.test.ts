import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockFolder } from "./folder-lock.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "badged-lock-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

test("a folder is locked once, and free again when the lock is given up", async () => {
  const first = await lockFolder(directory);
  expect(first.kind).toBe("held");
  expect(await lockFolder(directory)).toEqual({ kind: "taken" });
  if (first.kind === "held") first.lock[Symbol.dispose]();
  const second = await lockFolder(directory);
  expect(second.kind).toBe("held");
  if (second.kind === "held") second.lock[Symbol.dispose]();
});

test("who only asks whether it is locked keeps out nobody else who asks", async () => {
  const asking = [await lockFolder(directory, "shared"), await lockFolder(directory, "shared")];
  expect(asking.map(({ kind }) => kind)).toEqual(["held", "held"]);
  for (const each of asking) if (each.kind === "held") each.lock[Symbol.dispose]();
  const holder = await lockFolder(directory);
  expect(await lockFolder(directory, "shared")).toEqual({ kind: "taken" });
  if (holder.kind === "held") holder.lock[Symbol.dispose]();
});

test("the kernel gives up the lock of a process that is killed, also while its own children live on", async () => {
  const script = `
    import { spawn } from "node:child_process";
    import { lockFolder } from ${JSON.stringify(new URL("folder-lock.ts", import.meta.url).href)};
    const { kind } = await lockFolder(${JSON.stringify(directory)});
    const child = spawn("sleep", ["60"], { stdio: "ignore", detached: true });
    console.log(kind, child.pid);
    setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(holder.stdout, "data");
  const [kind, child] = String(line).trim().split(" ");
  try {
    expect(kind).toBe("held");
    expect(await lockFolder(directory)).toEqual({ kind: "taken" });
    holder.kill("SIGKILL");
    await once(holder, "close");
    const next = await lockFolder(directory);
    expect(next.kind).toBe("held");
    if (next.kind === "held") next.lock[Symbol.dispose]();
  } finally {
    holder.kill("SIGKILL");
    process.kill(Number(child), "SIGKILL");
  }
});

test("a system that cannot say is not taken for a folder that is held", async () => {
  expect(await lockFolder(directory, "exclusive", join(directory, "missing"))).toEqual({
    kind: "untold",
    reason: expect.stringContaining("ENOENT"),
  });
  // Node throws what it does not foresee, as where a sector of the program cannot be read.
  const loop = join(directory, "loop");
  symlinkSync("loop", loop);
  expect(await lockFolder(directory, "exclusive", loop)).toEqual({
    kind: "untold",
    reason: expect.stringContaining("ELOOP"),
  });
  // Another program of the name, which knows fewer options and ends as at a conflict.
  const other = join(directory, "flock");
  writeFileSync(other, "#!/bin/sh\necho 'unknown option' >&2\nexit 1\n");
  chmodSync(other, 0o755);
  expect(await lockFolder(directory, "exclusive", other)).toEqual({ kind: "untold", reason: "unknown option" });
});

test("a folder that cannot be opened, and what is none, is not taken for one that is held", async () => {
  const file = join(directory, "file");
  writeFileSync(file, "");
  for (const [place, code] of [
    [join(directory, "missing"), "ENOENT"],
    [file, "ENOTDIR"],
  ] as const) {
    expect(await lockFolder(place)).toEqual({ kind: "untold", reason: expect.stringContaining(code) });
  }
});
