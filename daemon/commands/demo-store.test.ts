import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Configuration } from "../../config/configuration.ts";
import { silentLog } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import { Store } from "../store/store.ts";
import { writeSite } from "../testing/campaign/site.ts";
import { storeSettings } from "../testing/store-fixture.ts";
import { requireConfiguration } from "./configuration.ts";
import { claimDemoStore, refuseInventedScans } from "./demo-store.ts";

let directory: string;
let configuration: Configuration;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "badged-demo-"));
  configuration = requireConfiguration(writeSite(directory, 2, "http://127.0.0.1:9").configuration);
});
afterEach(() => rmSync(directory, { recursive: true }));

const elsewhere = (): Configuration => ({
  ...configuration,
  service: { ...configuration.service, url: "https://service.example" },
});

async function madeStore(): Promise<void> {
  await using _store = await Store.open(storeSettings(configuration.store.directory), {
    time: systemTime,
    log: silentLog,
  });
}

test("a demonstration has a store of its own, also the second time, which is never sent to anybody's service", async () => {
  claimDemoStore(configuration);
  await madeStore();
  claimDemoStore(configuration);
  refuseInventedScans(configuration);
  expect(() => refuseInventedScans(elsewhere())).toThrow("invented scans");
});

test("the store of a site is left alone, and may go where it was going", async () => {
  await madeStore();
  expect(() => claimDemoStore(configuration)).toThrow("may hold those of people");
  refuseInventedScans(elsewhere());
});

test("a site that tells others is no demonstration", () => {
  const { service } = configuration;
  expect(() => claimDemoStore({ ...configuration, service: { ...service, tokenFile: "/secret" } })).toThrow(
    "whom to tell",
  );
  expect(existsSync(configuration.store.directory)).toBe(false);
});
