import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemTime } from "../base/system-time.ts";
import { powerIn, readUps } from "./ups.ts";

test.each([
  ["OL", "mains"],
  ["OL CHRG", "mains"],
  ["OB DISCHRG", "battery"],
  ["OB LB", "battery"],
  ["FSD OB LB", "battery"],
  ["", "unknown"],
  ["BYPASS", "unknown"],
])("%s means %s", (status, power) => {
  expect(powerIn(status)).toBe(power);
});

test("a UPS that nobody serves, and a program that is not there, say nothing", async () => {
  expect(await readUps("ups@127.0.0.1:9")).toBe("unknown");
  expect(await readUps("ups", "/nowhere/upsc")).toBe("unknown");
});

const driver = ["/lib/nut/dummy-ups", "/usr/lib/nut/dummy-ups"].find((each) => existsSync(each));
// Debian's /sbin/upsd starts it only where /etc/nut says so.
const upsd = ["/lib/nut/upsd", "/usr/lib/nut/upsd"].find((each) => existsSync(each));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe.skipIf(driver === undefined || upsd === undefined)("a real upsd with NUT's dummy UPS", () => {
  test("is on mains, then on battery", async () => {
    const folder = mkdtempSync(join(tmpdir(), "badged-nut-"));
    chmodSync(folder, 0o700);
    const port = await freePort();
    const state = join(folder, "state.dev");
    const say = (status: string): void => writeFileSync(state, `ups.status: ${status}\nTIMER 1\n`);
    const write = (name: string, text: string): void => writeFileSync(join(folder, name), text, { mode: 0o600 });
    write("ups.conf", `[test]\n  driver = dummy-ups\n  port = ${state}\n  mode = dummy-loop\n`);
    write("upsd.conf", `LISTEN 127.0.0.1 ${port}\nSTATEPATH ${folder}\n`);
    write("upsd.users", "");
    say("OL");
    const environment = { ...process.env, NUT_CONFPATH: folder, NUT_STATEPATH: folder, NUT_ALTPIDPATH: folder };
    const options = { env: environment, stdio: "ignore" } as const;
    const running = [
      spawn(driver ?? "", ["-a", "test", "-D", "-u", "root"], options),
      spawn(upsd ?? "", ["-D", "-u", "root"], options),
    ];
    try {
      const name = `test@127.0.0.1:${port}`;
      const becomes = async (power: string): Promise<void> => {
        while ((await readUps(name)) !== power) await systemTime.sleep(100);
      };
      await becomes("mains");
      say("OB DISCHRG");
      await becomes("battery");
      expect(spawnSync("upsc", [name, "ups.status"], { encoding: "utf8" }).stdout.trim()).toBe("OB DISCHRG");
    } finally {
      await Promise.all(
        running.map((each) => {
          const ended = new Promise((resolve) => each.once("exit", resolve));
          each.kill("SIGKILL");
          return ended;
        }),
      );
      rmSync(folder, { recursive: true });
    }
  }, 60_000);
});
