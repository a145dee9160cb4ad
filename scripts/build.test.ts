import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { systemTime } from "../daemon/base/system-time.ts";
import { plainLaunch } from "../daemon/testing/campaign/box.ts";
import { DaemonProcess } from "../daemon/testing/campaign/daemon-process.ts";
import { Gate } from "../daemon/testing/campaign/gate.ts";
import { writeSite } from "../daemon/testing/campaign/site.ts";
import { fictionalBadge } from "../daemon/testing/fictional-worker.ts";
import { build } from "./build.ts";

/** The first formatter of a process costs 10 MB: a daemon in Belgium does without. */
const withoutFormatters = {
  NODE_OPTIONS: "--import=data:text/javascript,Intl.DateTimeFormat=class{constructor(){throw(Error('asked'))}}",
} as const;

test("what is built records a badge, and writes and checks a bundle of evidence", { timeout: 120_000 }, async () => {
  const directory = mkdtempSync(join(tmpdir(), "badged-built-"));
  try {
    symlinkSync(resolve("node_modules"), join(directory, "node_modules"));
    await build(pathToFileURL(`${directory}/dist/daemon/`));
    const program = join(directory, "dist/daemon/main.js");
    const site = writeSite(join(directory, "site"), 3, "http://127.0.0.1:9/REST/presenceRegistration/v1");
    {
      await using gate = await Gate.open(site.port, systemTime);
      await using daemon = new DaemonProcess(program, site.configuration, {
        ...plainLaunch,
        environment: withoutFormatters,
      });
      expect(await gate.present(fictionalBadge(0), new AbortController().signal)).toBe(true);
      expect(await daemon.kill("SIGTERM")).toEqual({ code: 0 });
    }
    const badged = (...words: readonly string[]): string => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], { encoding: "utf8" });
      expect(status, stderr).toBe(0);
      return stdout;
    };
    expect(JSON.parse(badged("scans", "list", "-c", site.configuration, "--json"))).toMatchObject({ scanId: 1 });
    const identity = JSON.parse(badged("evidence", "identity", site.configuration, "--json"));
    const bundle = join(directory, "bundle");
    const always = ["--from", "2020-01-01T00:00:00Z", "--to", "2100-01-01T00:00:00Z"] as const;
    badged("evidence", "export", site.configuration, ...always, "--out", bundle);
    const guide = "daemon/evidence/bundle/";
    for (const name of readdirSync(guide).filter((each) => !each.endsWith(".ts"))) {
      expect(readFileSync(join(bundle, name)), name).toEqual(readFileSync(guide + name));
    }
    badged("evidence", "verify", bundle, "--key", identity.key);
    const report = join(directory, "report.pdf");
    badged("evidence", "report", site.configuration, ...always, "--out", report);
    expect(readFileSync(report).subarray(0, 5).toString()).toBe("%PDF-");
  } finally {
    rmSync(directory, { recursive: true });
  }
});
