import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { systemTime } from "../base/system-time.ts";
import { failedSendsIn, readFailedSends, whoseWay } from "./own-way.ts";

test("what this box dropped itself is counted by its name, whatever the kernel counts besides", () => {
  const table = `TcpExt: SyncookiesSent TCPSynRetrans TCPRetransFail TCPRcvCoalesce
TcpExt: 1 22 7 4
IpExt: InNoRoutes TCPRetransFail
IpExt: 0 99\n`;
  expect(failedSendsIn(table)).toBe(7);
  expect(failedSendsIn("TcpExt: TCPSynRetrans\nTcpExt: 22\n")).toBe(0);
  expect(failedSendsIn("")).toBe(0);
  expect(readFailedSends()).toBeGreaterThanOrEqual(0);
});

test.each([
  ["silent", { isRefused: false, keptBack: 0 }, "others"],
  ["silent, and something of another program's was dropped", { isRefused: false, keptBack: 1 }, "others"],
  ["silent, and all that was sent there dropped here", { isRefused: false, keptBack: 2 }, "own"],
  ["refused by somebody, whatever was dropped", { isRefused: true, keptBack: 2 }, "others"],
] as const)("a place on the usual way that is %s", async (_, found, whose) => {
  const way = { addresses: ["127.0.0.1"], port: 9, connections: 2, ...found };
  expect(await whoseWay(way, ["127.0.0.2"], systemTime)).toBe(whose);
});

test("who refused a place that refuses nobody any more cannot be told: a firewall of this box may just have been taken away", async () => {
  await using server = createServer((socket) => socket.destroy());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const way = { addresses: ["127.0.0.1"], port, connections: 2, isRefused: true, keptBack: 0 };
  expect(await whoseWay(way, ["127.0.0.2"], systemTime)).toBe("over");
});
