import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
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
  const { service } = configuration;
  const telling = { ...configuration, service: { ...service, tokenFile: "/secret" } };
  expect(() => refuseInventedScans(telling)).toThrow("invented scans");
});

test("the store of a site is left alone, and may go where it was going", async () => {
  await madeStore();
  expect(() => claimDemoStore(configuration)).toThrow("may hold those of people");
  refuseInventedScans(elsewhere());
});

test("a folder in which anything lies is no demonstration's", () => {
  mkdirSync(configuration.store.directory, { recursive: true });
  writeFileSync(join(configuration.store.directory, "evidence-key.pem"), "");
  expect(() => claimDemoStore(configuration)).toThrow("may hold those of people");
});

test("a site that tells others is no demonstration", () => {
  const { service } = configuration;
  expect(() => claimDemoStore({ ...configuration, service: { ...service, tokenFile: "/secret" } })).toThrow(
    "whom to tell",
  );
  const { evidence } = configuration;
  expect(() => claimDemoStore({ ...configuration, evidence: { ...evidence, keyFile: "/key" } })).toThrow("who signs");
  expect(existsSync(configuration.store.directory)).toBe(false);
});
