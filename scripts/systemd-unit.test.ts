import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { exitCode } from "../daemon/base/errors.ts";
import { slewingPpm } from "../daemon/clock/drift.ts";
import { unitNodeOptions } from "../daemon/testing/campaign/unit-node-options.ts";
import { chronydPath } from "../daemon/testing/chrony/chronyd.ts";

const systemd = new URL("../systemd/", import.meta.url);
const unit = readFileSync(new URL("badged.service", systemd), "utf8");
const witnessUnit = readFileSync(new URL("badged-witness.service", systemd), "utf8");
const rules = readFileSync(new URL("60-badged-readers.rules", systemd), "utf8");

/** The values given to a setting of the unit, in order. */
function settings(name: string): readonly string[] {
  return unit
    .split("\n")
    .filter((line) => line.startsWith(`${name}=`))
    .map((line) => line.slice(name.length + 1));
}

const chrony = fileURLToPath(new URL("chrony-badged.conf", systemd));
const canReadChrony = existsSync(chronydPath);

const canVerifyUnits = spawnSync("systemd-analyze", ["--version"]).status === 0;
const canVerifyRules = spawnSync("udevadm", ["verify", "--help"]).status === 0;

/** Run on a copy, since `verify` wants the program of ExecStart to be there and badged may not be installed. */
async function verified(text: string): Promise<{ readonly status: number | null; readonly complaints: string }> {
  const folder = await mkdtemp(join(tmpdir(), "badged-unit-"));
  try {
    const copy = join(folder, "badged.service");
    await writeFile(copy, text.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
    const run = spawnSync("systemd-analyze", ["verify", "--man=no", copy], { encoding: "utf8" });
    // Other units of the machine may draw complaints of their own.
    const complaints = run.stderr.split("\n").filter((line) => line.includes("badged"));
    return { status: run.status, complaints: complaints.join("\n") };
  } finally {
    await rm(folder, { recursive: true });
  }
}

test.skipIf(!canVerifyUnits)("systemd takes the unit without a complaint", async () => {
  expect(await verified(unit)).toEqual({ status: 0, complaints: "" });
});

test.skipIf(!canVerifyUnits)("nor of the witness's", async () => {
  expect(await verified(witnessUnit)).toEqual({ status: 0, complaints: "" });
});

test.skipIf(!canVerifyUnits)("systemd does complain of a unit with a mistake in it", async () => {
  expect((await verified(unit.replace("WatchdogSec=60", "WatchdogSec=soon"))).complaints).toMatch(/soon/);
});

test("a gate without network is not kept from starting, and nor is one whose time servers are silent", () => {
  const waitsFor = ["After", "Wants", "Requires"].flatMap(settings).flatMap((names) => names.split(" "));
  expect(waitsFor).toContain("network.target");
  for (const target of ["network-online.target", "time-sync.target"]) expect(waitsFor).not.toContain(target);
});

test("a witness that a person has to look after stays down", () => {
  const { usage, ioError, noPermission, configuration } = exitCode;
  const codes = [usage, ioError, noPermission, configuration].join(" ");
  expect(witnessUnit).toContain(`\nRestartPreventExitStatus=${codes}\n`);
});

test("a configuration mistake is the one way to end that systemd does not restart", () => {
  expect(settings("Restart")).toEqual(["always"]);
  expect(settings("RestartPreventExitStatus")).toEqual([String(exitCode.configuration)]);
});

test("the unit lets systemd-notify speak and leaves V8 its compiler", () => {
  expect(settings("Type")).toEqual(["notify"]);
  expect(settings("NotifyAccess")).toEqual(["all"]);
  expect(settings("WatchdogSec")).toHaveLength(1);
  expect(settings("MemoryDenyWriteExecute")).toEqual([]);
});

test("the pinned Node knows every option that the unit gives it", () => {
  const { stdout } = spawnSync(process.execPath, ["--v8-options"], { encoding: "utf8" });
  const known = new Set(stdout.match(/(?<=^ {2})--[a-z0-9-]+/gm));
  const names = unitNodeOptions().map((option) => option.replace(/=.*/, "").replace(/^--no-/, "--"));
  expect(names).toContain("--optimize-for-size");
  expect(names.filter((name) => !known.has(name))).toEqual([]);
});

test("of all devices only serial lines are open to the unit", () => {
  expect(settings("PrivateDevices")).toEqual([]);
  expect(settings("DevicePolicy")).toEqual(["closed"]);
  expect(settings("DeviceAllow")).toEqual(["ttyUSB", "ttyACM", "ttyAMA", "ttyS"].map((name) => `char-${name} rw`));
});

/** Matches and assignments of udev(7) that the rules use: a key, an operator, a quoted value. */
const udevToken =
  /^(?:(?:ACTION|SUBSYSTEM|KERNEL|ATTR\{[\w/]+\}|ENV\{\w+\})(?:==|!=)|(?:ATTR\{[\w/]+\}|ENV\{\w+\}|GOTO|LABEL|IMPORT\{builtin\})=|SYMLINK\+=)"[^"]*"$/;

const ruleLines = rules.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

test.each(ruleLines)("udev can parse: %s", (line) => {
  for (const token of line.split(", ")) expect(token).toMatch(udevToken);
});

test("every jump of the rules has its label", () => {
  const targets = new Set([...rules.matchAll(/GOTO="(\w+)"/g)].map(([, label]) => label));
  const labels = [...rules.matchAll(/LABEL="(\w+)"/g)].map(([, label]) => label);
  expect([...targets]).toEqual(labels);
});

test.each(["0403:6001", "10c4:ea60", "1a86:7523", "067b:2303", "09d8:0420"])(
  "the reader %s gets a name and is kept from ModemManager",
  (id) => {
    const [vendor, model] = id.split(":");
    expect(rules).toContain(`ATTR{idVendor}=="${vendor}", ATTR{idProduct}=="${model}", ENV{ID_MM_DEVICE_IGNORE}="1"`);
    expect(rules).toMatch(
      new RegExp(`ENV\\{ID_VENDOR_ID\\}=="${vendor}", ENV\\{ID_MODEL_ID\\}=="${model}", ENV\\{BADGED_READER\\}="`),
    );
  },
);

test.skipIf(!canVerifyRules)("udevadm takes the rules without a complaint", () => {
  const path = new URL("60-badged-readers.rules", systemd).pathname;
  const run = spawnSync("udevadm", ["verify", "--resolve-names=never", path], { encoding: "utf8" });
  expect({ status: run.status, complaints: run.stderr }).toEqual({ status: 0, complaints: "" });
});

describe.skipIf(!canReadChrony)("the chrony drop-in, as chronyd itself reads it", () => {
  const printed = (): readonly string[] => {
    const run = spawnSync(chronydPath, ["-p", "-f", chrony], { encoding: "utf8" });
    expect({ status: run.status, complaints: run.stderr }).toEqual({ status: 0, complaints: "" });
    return run.stdout.trim().split("\n");
  };
  const values = (name: string): readonly string[] =>
    printed().flatMap((line) => (line.startsWith(`${name} `) ? [line.slice(name.length + 1)] : []));

  test("asks four servers, with NTS where they offer it", () => {
    expect(values("server")).toHaveLength(4);
    expect(values("server").filter((server) => server.endsWith(" nts"))).toHaveLength(3);
  });

  test("steps at the start only, and slews no faster than badged counts with", () => {
    expect(values("makestep")).toEqual(["1.0 3"]);
    expect(Number(values("maxslewrate")[0])).toBeLessThan(slewingPpm);
  });

  test("serves nobody but this box", () => {
    expect([values("allow"), values("bindaddress")]).toEqual([["127.0.0.1/32"], ["127.0.0.1"]]);
  });
});
