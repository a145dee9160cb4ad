import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { systemTime } from "../base/system-time.ts";
import { networkObstacle } from "../testing/network/world.ts";

const obstacle = networkObstacle();
const [box, neighbour] = [`badged-late-box-${process.pid}`, `badged-late-neighbour-${process.pid}`];
const here = import.meta.dirname;
const port = 40_123;

/** Prints how it ended. The deadline is longer than the three questions, a second apart, for an address (arp(7)). */
const asking = (host: string, stamps: string): string => `
import { systemTime } from "${here}/../base/system-time.ts";
import { NtpClient } from "${here}/ntp-client.ts";
import { loadSocketStamps } from "${here}/socket-stamps.ts";
const client = new NtpClient(systemTime, { timeoutMs: 10_000, stamps: ${stamps} });
const reply = await client.exchange({ host: "${host}", port: ${port} }, new AbortController().signal);
console.log(reply.kind);
`;

/** Answers a while after it was asked, so that what the departure alone does to the socket has been done by then. */
const answering = `
import { createSocket } from "node:dgram";
const socket = createSocket("udp4");
socket.on("message", (request, { port, address }) => {
  const answer = Buffer.alloc(48);
  request.copy(answer, 24, 40, 48);
  setTimeout(() => socket.send(answer, port, address), 200);
});
socket.bind(${port}, () => console.log("listening"));
`;

// As right after boot: the request lies in the kernel until the neighbour has told its hardware address.
describe.skipIf(obstacle !== null)(`a request that leaves late${obstacle === null ? "" : ` (${obstacle})`}`, () => {
  let server: ChildProcess | null = null;

  beforeAll(async () => {
    for (const space of [box, neighbour]) ip("netns", "add", space);
    ip("link", "add", "lan", "netns", box, "type", "veth", "peer", "lan", "netns", neighbour);
    ip("-n", box, "addr", "add", "10.9.9.1/24", "dev", "lan");
    for (const space of [box, neighbour]) ip("-n", space, "link", "set", "lan", "up");
    for (const space of [box, neighbour]) await shown(/\bstate UP\b/, "-n", space, "link", "show", "lan");
    const started = spawn("ip", nodeIn(neighbour, answering), { stdio: ["ignore", "pipe", "inherit"] });
    server = started;
    await once(started.stdout, "data");
  });
  // It answers from the first address that it has.
  beforeEach(() => void ip("-n", neighbour, "-4", "addr", "flush", "dev", "lan"));
  afterAll(() => {
    server?.kill("SIGKILL");
    for (const space of [box, neighbour]) spawnSync("ip", ["netns", "delete", space]);
  });

  test.each([
    ["Node's moments", "10.9.9.2", "null"],
    ["the kernel's stamps", "10.9.9.3", "await loadSocketStamps(systemTime)"],
  ])("with %s gets its answer all the same", async (_, address, stamps) => {
    const asked = promisify(execFile)("ip", nodeIn(box, asking(address, stamps)));
    const waits = shown(/\bINCOMPLETE\b/, "-n", box, "neigh", "show", address);
    // Until now nobody had this address.
    const told = waits.then(() => ip("-n", neighbour, "addr", "add", `${address}/24`, "dev", "lan"));
    const [{ stdout }] = await Promise.all([asked, told]);
    expect(stdout.trim()).toBe("replied");
  });
});

/** The words after `ip` that run a program in a namespace, in whose place it then is. */
function nodeIn(space: string, program: string): readonly string[] {
  return ["netns", "exec", space, process.execPath, "--input-type=module", "-e", program];
}

/** Waits until `ip` prints it. */
async function shown(pattern: RegExp, ...words: readonly string[]): Promise<void> {
  while (!pattern.test(ip(...words))) await systemTime.sleep(10);
}

function ip(...words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync("ip", words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${words.join(" ")}: ${stderr}`);
  return stdout;
}
