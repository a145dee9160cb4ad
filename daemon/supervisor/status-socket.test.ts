import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readStatus, StatusSocket, statusSocketPath } from "./status-socket.ts";

const freshPath = (): string => statusSocketPath(mkdtempSync(join(tmpdir(), "badged-socket-")));

test("a connection gets one document, and only the owner may connect", async () => {
  const path = freshPath();
  await using _socket = await StatusSocket.open(path, () => Promise.resolve({ readers: 1 }));
  expect(await readStatus(path)).toEqual({ readers: 1 });
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("without a daemon there is no status", async () => {
  expect(await readStatus(freshPath())).toBeNull();
});

test("a second daemon on the same store is refused", async () => {
  const path = freshPath();
  await using _socket = await StatusSocket.open(path, () => Promise.resolve({}));
  await expect(StatusSocket.open(path, () => Promise.resolve({}))).rejects.toMatchObject({ code: "already-running" });
});

test("a socket left behind by a killed process is taken over", async () => {
  const path = freshPath();
  const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  expect(spawnSync(process.execPath, ["-e", script]).signal).toBe("SIGKILL");
  expect(statSync(path).isSocket()).toBe(true);
  await using _socket = await StatusSocket.open(path, () => Promise.resolve({ alive: true }));
  expect(await readStatus(path)).toEqual({ alive: true });
});

test("a place that takes no socket is told as one, and is no defect", async () => {
  const inPlace = freshPath();
  mkdirSync(inPlace);
  await expect(StatusSocket.open(inPlace, () => Promise.resolve({}))).rejects.toMatchObject({ code: "store-unusable" });
  const file = freshPath();
  writeFileSync(file, "");
  const below = statusSocketPath(file);
  await expect(StatusSocket.open(below, () => Promise.resolve({}))).rejects.toMatchObject({ code: "store-unusable" });
});

test("a disk that fails once the socket stands is told, and leaves no process behind that waits for nothing", () => {
  const path = freshPath();
  const failing = `import fs from "node:fs";
    import { syncBuiltinESMExports } from "node:module";
    fs.chmodSync = () => { throw Object.assign(new Error("EIO: i/o error, chmod"), { code: "EIO" }); };
    syncBuiltinESMExports();`;
  const program = `
    const { StatusSocket } = await import(${JSON.stringify(new URL("status-socket.ts", import.meta.url).href)});
    await StatusSocket.open(${JSON.stringify(path)}, () => Promise.resolve({})).catch(({ code }) => console.log(code));`;
  const parameters = [
    `--import=data:text/javascript,${encodeURIComponent(failing)}`,
    "--input-type=module",
    "-e",
    program,
  ];
  const run = spawnSync(process.execPath, parameters, { encoding: "utf8", timeout: 20_000 });
  expect(run).toMatchObject({ status: 0, stdout: "store-unusable\n", stderr: "" });
  expect(existsSync(path)).toBe(false);
});

test("a path too long for a socket is told, not cut off", async () => {
  const path = join(tmpdir(), "x".repeat(120), "badged.sock");
  await expect(StatusSocket.open(path, () => Promise.resolve({}))).rejects.toMatchObject({
    code: "configuration-invalid",
  });
  expect(await readStatus(path)).toBeNull();
});

test("a status that fails is told as an error to the one who asked", async () => {
  const path = freshPath();
  await using _socket = await StatusSocket.open(path, () => Promise.reject(new Error("store closed")));
  expect(await readStatus(path)).toEqual({ error: "store closed" });
});

test("who asks and never closes gets his answer, and holds up no end", async () => {
  const path = freshPath();
  const socket = await StatusSocket.open(path, () => Promise.resolve({ readers: 1 }));
  const watcher = connect({ path, allowHalfOpen: true });
  const [chunk] = await once(watcher, "data");
  expect(String(chunk)).toBe('{"readers":1}');
  await socket[Symbol.asyncDispose]();
  watcher.destroy();
});

test("who asks and never reads holds up no end", async () => {
  const path = freshPath();
  const asked = Promise.withResolvers<void>();
  const socket = await StatusSocket.open(path, async () => {
    asked.resolve();
    return { text: "x".repeat(10_000_000) };
  });
  const watcher = connect(path).pause();
  watcher.on("error", () => {});
  await asked.promise;
  await socket[Symbol.asyncDispose]();
  watcher.destroy();
});

test("a daemon that hangs is told as one, and not waited for", async () => {
  const path = freshPath();
  await using _socket = await StatusSocket.open(path, () => new Promise(() => {}));
  await expect(readStatus(path, 50)).rejects.toMatchObject({ code: "daemon-not-running" });
});

test("a daemon that ends while it is asked runs no more", async () => {
  const path = freshPath();
  const asked = Promise.withResolvers<void>();
  const socket = await StatusSocket.open(path, () => {
    asked.resolve();
    return new Promise(() => {});
  });
  const answer = readStatus(path);
  await asked.promise;
  await socket[Symbol.asyncDispose]();
  expect(await answer).toBeNull();
});

test("a daemon that is killed before it took the question runs no more", async () => {
  const path = freshPath();
  // It listens and takes nobody in, as one that was stopped: who asks waits in its queue.
  const stopped = spawn("python3", ["-c", stoppedSource, path], { stdio: ["pipe", "pipe", "inherit"] });
  await once(stopped.stdout, "data");
  const answer = readStatus(path);
  answer.catch(() => {});
  // The one who asks is in the queue once a second one finds it full.
  await expect(readStatus(path)).rejects.toMatchObject({ code: "daemon-not-running" });
  stopped.kill("SIGKILL");
  expect(await answer).toBeNull();
});

const stoppedSource = `
import socket, sys
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
listening.listen(0)
print("listening", flush=True)
sys.stdin.read()
`;

test.each([
  ["cut short", '{"clock":{"sta'],
  ["longer than any", `"${"x".repeat(1_000_000)}"`],
])("an answer that is %s is no status, and is told as what it is", async (_, answer) => {
  const path = freshPath();
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.end(answer);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  await expect(readStatus(path)).rejects.toMatchObject({ code: "daemon-not-running" });
  server.close();
});

test("who starts while another ends has the socket after it", async () => {
  const path = freshPath();
  const asked = Promise.withResolvers<void>();
  const ending = await StatusSocket.open(path, () => {
    asked.resolve();
    return new Promise(() => {});
  });
  const starting = StatusSocket.open(path, () => Promise.resolve({ next: true }));
  await asked.promise;
  await ending[Symbol.asyncDispose]();
  await using _started = await starting;
  expect(await readStatus(path)).toEqual({ next: true });
});
