import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifierFile } from "../evidence/bundle/guide.ts";
import { writeSite } from "../testing/campaign/site.ts";
import { type Ran, ran } from "../testing/run-badged.ts";
import { outageBundle } from "../testing/small-bundle/outage-log.ts";
import { openCore, storeSettings } from "../testing/store-fixture.ts";

/** What the commands say to somebody who is not the user of the store. */

/** Root may do everything, so the commands are run as the one who may nothing; anybody else's rights are taken away. */
const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
const mayRun = spawnSync(process.execPath, ["--check", "daemon/main.ts"], nobody).status === 0;

function badged(...words: readonly string[]): Promise<Ran> {
  return ran(process.execPath, ["daemon/main.ts", ...words], nobody);
}

const told = { code: 77, out: "", err: expect.stringMatching(/^badged: this user may not.*\n {2}.*runuser -u badged/) };

describe.skipIf(!mayRun)("a store of somebody else's", () => {
  let directory: string;
  let configuration: string;
  let store: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "badged-other-"));
    chmodSync(directory, 0o755);
    configuration = writeSite(directory, 3, "http://127.0.0.1:9").configuration;
    store = join(directory, "store");
    openCore(storeSettings(store))[Symbol.dispose]();
  });
  afterAll(() => {
    chmodSync(store, 0o700);
    rmSync(directory, { recursive: true });
  });

  test.each([
    "status",
    "clock",
    "run",
    "scans list",
    "scans release 1",
    "outages list",
    "remarks list",
    "evidence identity",
    "roster check",
    "roster import",
  ])("%s: whose it is to look into is told, with 77", async (words) => {
    chmodSync(store, 0);
    expect(await badged(...words.split(" "), "--config", configuration)).toMatchObject(told);
  });

  test("a site's file that this user may not read is not a file that is missing", async () => {
    chmodSync(configuration, 0);
    const { code, err } = await badged("check-config", configuration);
    chmodSync(configuration, 0o644);
    expect(code).toBe(78);
    expect(err).toMatch(/:1:1: may not be read by this user: .*runuser -u badged.*chgrp badged/);
  });

  test("whose folder may be looked into is no broken disk either", async () => {
    chmodSync(store, 0o755);
    chmodSync(join(store, "badged.sqlite"), 0);
    expect(await badged("scans", "list", "--config", configuration)).toMatchObject(told);
  });
});

/** Below it only root may listen; a container may let everybody. */
const firstFreePort = Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8"));

describe.skipIf(!mayRun)("what is not this user's to have", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "badged-other-"));
    chmodSync(directory, 0);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test("a witness's folder is told as somebody else's", async () => {
    const { code, err } = await badged("witness", "identity", "--store", join(directory, "witness"));
    expect(err).toMatch(/^badged: the witness's folder .* cannot be used: EACCES.*\n {2}give it to the user/);
    expect(code).toBe(77);
  });

  test.skipIf(firstFreePort <= 80)("a port that only root may have is no store of somebody else's", async () => {
    const { code, err } = await badged("simulate", "service", "--port", "80");
    expect(err).toMatch(
      /^badged: this user may not listen on 127\.0\.0\.1:80.*\n {2}choose a port from 1024 on \(--port;.*service\.url/,
    );
    expect(code).toBe(77);
  });
});

describe.skipIf(!mayRun)("a bundle of which a part may not be read", () => {
  let directory: string;
  const { files, log } = outageBundle();
  const key = `ed25519:${log.public.toString("base64")}`;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "badged-other-"));
    chmodSync(directory, 0o755);
    for (const [path, bytes] of files) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), bytes);
    }
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test.each(["log/records.jsonl", "proofs", "."])("%s: neither verifier holds that against it", async (path) => {
    chmodSync(join(directory, path), 0);
    const runs = await Promise.all([
      badged("evidence", "verify", directory, "--key", key),
      ran("/bin/bash", [fileURLToPath(verifierFile), "--key", key, directory], nobody),
    ]);
    chmodSync(join(directory, path), path.includes(".jsonl") ? 0o644 : 0o755);
    for (const { code, out, err } of runs) {
      expect({ code, out }).toEqual({ code: 2, out: "" });
      expect(err).toContain("could not check: ");
    }
  });
});
