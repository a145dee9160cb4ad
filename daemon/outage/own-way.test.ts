import { expect, test } from "vitest";
import { systemTime } from "../base/system-time.ts";
import { failedSendsIn, isOwnWay, readFailedSends } from "./own-way.ts";

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
  ["silent", { isRefused: false, keptBack: 0 }, false],
  ["silent, and something of another program's was dropped", { isRefused: false, keptBack: 1 }, false],
  ["silent, and all that was sent there dropped here", { isRefused: false, keptBack: 2 }, true],
  ["refused by somebody, whatever was dropped", { isRefused: true, keptBack: 2 }, false],
] as const)("a place on the usual way that is %s", async (_, found, isOwn) => {
  const way = { addresses: ["127.0.0.1"], port: 9, connections: 2, ...found };
  expect(await isOwnWay(way, ["127.0.0.2"], systemTime)).toBe(isOwn);
});
