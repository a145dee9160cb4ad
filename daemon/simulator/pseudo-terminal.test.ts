import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemCode } from "../base/errors.ts";
import { PseudoTerminal } from "./pseudo-terminal.ts";

let folder: string;
let received: number[];
let isReceived: PromiseWithResolvers<void>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "badged-pty-"));
  received = [];
  isReceived = Promise.withResolvers();
});

afterEach(() => rmSync(folder, { recursive: true }));

const onData = (bytes: Uint8Array): void => {
  received.push(...bytes);
  isReceived.resolve();
};

function openPort(path: string): Disposable & { readonly descriptor: number } {
  const descriptor = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  return { descriptor, [Symbol.dispose]: () => closeSync(descriptor) };
}

/** What reads of the port give now: bytes, or the system's code. */
function readPort(descriptor: number): string {
  const buffer = Buffer.alloc(64);
  try {
    return buffer.toString("latin1", 0, readSync(descriptor, buffer, 0, buffer.length, null));
  } catch (error) {
    return systemCode(error) ?? "no code";
  }
}

test("bytes go both ways unchanged, and are not echoed", async () => {
  await using terminal = await PseudoTerminal.open(join(folder, "port"), onData);
  using port = openPort(terminal.path);
  expect(terminal.write(Buffer.from("\x02AB\r\n\x03\x04", "latin1"))).toBe(7);
  expect(readPort(port.descriptor)).toBe("\x02AB\r\n\x03\x04");
  writeSync(port.descriptor, Buffer.from([0x0a, 0x06, 0xff]));
  await isReceived.promise;
  expect(received).toEqual([0x0a, 0x06, 0xff]);
});

test("an unplug hangs its readers up and takes the link away; a replug brings it back", async () => {
  const link = join(folder, "port");
  await using terminal = await PseudoTerminal.open(link, onData);
  using port = openPort(link);
  await terminal.unplug();
  expect(terminal.isPlugged).toBe(false);
  expect(["", "EIO"]).toContain(readPort(port.descriptor));
  expect(existsSync(link)).toBe(false);
  expect(terminal.write(Buffer.from("x"))).toBe(0);
  terminal.replug();
  using again = openPort(link);
  terminal.write(Buffer.from("AB"));
  expect(readPort(again.descriptor)).toBe("AB");
});

test("the device outlives the process that read from it", async () => {
  await using terminal = await PseudoTerminal.open(null, onData);
  openPort(terminal.path)[Symbol.dispose]();
  terminal.write(Buffer.from("AB"));
  using port = openPort(terminal.path);
  expect(readPort(port.descriptor)).toBe("AB");
});

test("what a full buffer cannot hold is lost, as on a wire", async () => {
  await using terminal = await PseudoTerminal.open(null, onData);
  const taken = terminal.write(new Uint8Array(1_000_000));
  expect(taken).toBeGreaterThan(0);
  expect(taken).toBeLessThan(1_000_000);
});

test("a link that a killed process left behind is replaced, also where its number is in use again", async () => {
  const link = join(folder, "port");
  await using other = await PseudoTerminal.open(null, onData);
  for (const target of ["/dev/pts/1048576", other.path]) {
    symlinkSync(target, link);
    await using terminal = await PseudoTerminal.open(link, onData);
    expect(terminal.path).toBe(link);
    expect(readlinkSync(link)).not.toBe(target);
  }
  expect(existsSync(link)).toBe(false);
});

test("a device has its link to itself until it is disposed, unplugged or not", async () => {
  const link = join(folder, "port");
  {
    await using terminal = await PseudoTerminal.open(link, onData);
    const target = readlinkSync(link);
    await expect(PseudoTerminal.open(link, onData)).rejects.toThrow("another simulated reader is there");
    symlinkSync(folder, `${folder}-alias`);
    try {
      await expect(PseudoTerminal.open(join(`${folder}-alias`, "port"), onData)).rejects.toThrow("another");
    } finally {
      unlinkSync(`${folder}-alias`);
    }
    expect(readlinkSync(link)).toBe(target);
    await terminal.unplug();
    await expect(PseudoTerminal.open(link, onData)).rejects.toThrow("another simulated reader is there");
  }
  await using again = await PseudoTerminal.open(link, onData);
  expect(again.isPlugged).toBe(true);
});

test("what is no link to a pseudo-terminal is left alone, such as udev's link to a real reader", async () => {
  const file = join(folder, "file");
  writeFileSync(file, "somebody's");
  const link = join(folder, "link");
  symlinkSync("../../ttyUSB0", link);
  // Twice: a refusal gives its claim back.
  for (let turn = 0; turn < 2; turn += 1) {
    await expect(PseudoTerminal.open(file, onData)).rejects.toThrow("is no link");
    await expect(PseudoTerminal.open(link, onData)).rejects.toThrow("leads to ../../ttyUSB0");
  }
  expect(readFileSync(file, "utf8")).toBe("somebody's");
  expect(readlinkSync(link)).toBe("../../ttyUSB0");
});

test("an unplug leaves alone what somebody put in place of the link", async () => {
  const link = join(folder, "port");
  await using terminal = await PseudoTerminal.open(link, onData);
  unlinkSync(link);
  symlinkSync("/dev/null", link);
  await terminal.unplug();
  expect(readlinkSync(link)).toBe("/dev/null");
  expect(() => terminal.replug()).toThrow("leads to /dev/null");
});
