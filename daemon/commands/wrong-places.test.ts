import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeSite } from "../testing/campaign/site.ts";
import { badged } from "../testing/run-badged.ts";

/** Where a file or a folder is named that is none, or none that can be used: told, and never as a defect. */

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "badged-wrong-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const siteWith = (store: string): string => writeSite(directory, 1, "http://127.0.0.1:9", { store }).configuration;

test("a file in place of the store's folder is told by every command", async () => {
  const store = join(directory, "file");
  writeFileSync(store, "");
  const site = siteWith(store);
  const [run, status, clock] = await Promise.all([
    badged("run", site),
    badged("status", "-c", site),
    badged("clock", "-c", site),
  ]);
  expect(run).toMatchObject({
    code: 78,
    err: expect.stringMatching(/^badged: store\.directory: .*file is no folder, .*\n {2}name one/),
  });
  expect(status).toMatchObject({ code: 69, err: "", out: expect.stringContaining("NOT RUNNING") });
  expect(clock).toMatchObject({ code: 69, err: expect.stringMatching(/^badged does not run.*systemctl start badged/) });
});

test("a folder whose path is too long for a socket is a mistake of the configuration, for every command", async () => {
  const store = join(directory, "x".repeat(100));
  mkdirSync(store);
  const site = siteWith(store);
  const [run, check, status, clock] = await Promise.all([
    badged("run", site),
    badged("check-config", site),
    badged("status", "-c", site),
    badged("clock", "-c", site),
  ]);
  expect(run).toMatchObject({ code: 78, err: expect.stringContaining("choose a shorter store.directory") });
  expect(check).toMatchObject({ code: 78, err: expect.stringMatching(/:\d+:\d+: store\.directory: .*longer than/) });
  expect(status).toMatchObject({ code: 69, err: "", out: expect.stringContaining("NOT RUNNING") });
  expect(clock).toMatchObject({ code: 69 });
});

test("a file that is not there is no mistake of the words that were typed", async () => {
  const none = join(directory, "none");
  const runs = await Promise.all([
    badged("simulate", "service", "--port", "0", "--registers", none),
    badged("simulate", "service", "--port", "0", "--client-id", "a", "--client-key", none),
    badged("simulate", "service", "--port", "0", "--client-id", "a", "--client-key", directory),
  ]);
  for (const { code, err } of runs) {
    expect(err).toMatch(/^badged: .* cannot be read: E(NOENT|ISDIR).*\n {2}name a file/);
    expect(code).toBe(66);
  }
});

test("a site's file that is not there is told with how to name it", async () => {
  const { code, err } = await badged("status", "-c", join(directory, "none.yaml"));
  expect(code).toBe(78);
  expect(err).toMatch(
    /none\.yaml:1:1: there is no such file; name the site's YAML file with -c, or in BADGED_CONFIG\n/,
  );
});
