import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { defaultRouteIn, defaultRouteOfV6In, neighbourAnswersIn, readCarrier } from "./host-network.ts";

const head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

describe("the way out", () => {
  test("is the default route with the least metric", () => {
    const table = `${head}wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t00000000\tFE01A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n`;
    expect(defaultRouteIn(table)).toEqual({ interface: "eth0", gateway: "192.168.1.254" });
  });

  test("of a modem or a tunnel has no gateway, and is a way out all the same", () => {
    const table = `${head}wwan0\t00000000\t00000000\t0001\t0\t0\t700\t00000000\t0\t0\t0\n`;
    expect(defaultRouteIn(table)).toEqual({ interface: "wwan0", gateway: null });
  });

  test.each([
    ["an empty table", head],
    ["a table with networks only", `${head}eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n`],
    ["a route that is down", `${head}eth0\t00000000\t0101A8C0\t0002\t0\t0\t0\t00000000\t0\t0\t0\n`],
    ["half of the internet", `${head}tun0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000080\t0\t0\t0\n`],
  ])("is none in %s", (_, table) => {
    expect(defaultRouteIn(table)).toBeNull();
  });
});

describe("the way out over IPv6", () => {
  const zeros = "0".repeat(32);
  const own = `fe800000000000000000000000000000 40 ${zeros} 00 ${zeros} 00000100 00000001 00000000 00000001      lan\n`;
  const none = `${zeros} 00 ${zeros} 00 ${zeros} ffffffff 00000001 00000000 00200200       lo\n`;
  const via = (gateway: string, metric: string, name: string): string =>
    `${zeros} 00 ${zeros} 00 ${gateway} ${metric} 00000001 00000000 00450003      ${name}\n`;

  test("is the one with the least metric, by a gateway of the link", () => {
    const table = `${own}${via("fe800000000000000000000000000001", "00000400", "lan")}${via("20010db8000000000000000000000001", "00000064", "eth1")}${none}`;
    expect(defaultRouteOfV6In(table)).toEqual({
      interface: "eth1",
      gateway: "2001:0db8:0000:0000:0000:0000:0000:0001",
    });
    const onLink = via("fe800000000000000000000000000001", "00000400", "lan");
    expect(defaultRouteOfV6In(onLink)?.gateway).toBe("fe80:0000:0000:0000:0000:0000:0000:0001%lan");
  });

  test.each([
    ["an empty table", ""],
    ["what every box has", `${own}${none}`],
  ])("is none in %s", (_, table) => {
    expect(defaultRouteOfV6In(table)).toBeNull();
  });
});

describe("a neighbour", () => {
  const table = `IP address       HW type     Flags       HW address            Mask     Device
192.168.1.1      0x1         0x2         aa:bb:cc:dd:ee:ff     *        eth0
192.168.1.2      0x1         0x0         00:00:00:00:00:00     *        eth0\n`;

  test.each([
    ["192.168.1.1", true],
    ["192.168.1.2", false],
    ["192.168.1.3", null],
  ])("%s", (address, answers) => {
    expect(neighbourAnswersIn(table, address)).toBe(answers);
  });
});

test("an interface that does not exist carries nothing, loopback always does", () => {
  expect(readCarrier("nothing0")).toBe("down");
  expect(readCarrier("lo")).toBe("up");
});

/** Asks with one file descriptor left: the socket takes it, and listing the addresses needs another. */
const askWithOneLeft = `
import { closeSync, openSync } from "node:fs";
const { interfaceTowards } = await import(${JSON.stringify(new URL("host-network.ts", import.meta.url).href)});
const found = [await interfaceTowards("127.0.0.1")];
const held = [];
try {
  for (;;) held.push(openSync("/dev/null"));
} catch {
  closeSync(held.pop());
}
found.push(await interfaceTowards("127.0.0.1"));
for (const each of held) closeSync(each);
console.log(JSON.stringify(found));
`;

test("a box that cannot list its addresses does not know the way, and the process goes on", async () => {
  const run = promisify(execFile);
  const program = ["--input-type=module", "--eval", askWithOneLeft];
  const { stdout } = await run("sh", ["-c", 'ulimit -n 64; exec "$@"', "sh", process.execPath, ...program]);
  expect(JSON.parse(stdout)).toEqual(["lo", null]);
});
