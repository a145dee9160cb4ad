import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jwtVerify } from "jose";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../base/log.ts";
import { systemTime } from "../base/system-time.ts";
import { type ServiceSimulator, startServiceSimulator } from "../simulator/service/service-simulator.ts";
import type { LiveStatus } from "../supervisor/live-status.ts";
import { readStatus, statusSocketPath } from "../supervisor/status-socket.ts";
import { DaemonProcess } from "./campaign/daemon-process.ts";
import { Gate } from "./campaign/gate.ts";
import { type CampaignSite, writeSite } from "./campaign/site.ts";
import { eventually } from "./eventually.ts";
import { fictionalBadge, fictionalSsin } from "./fictional-worker.ts";

const clientId = "expeditor-7";
const token = "the-token-of-this-test";
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

let folder: string;
let simulator: ServiceSimulator;
let site: CampaignSite;
let gate: Gate;
let mode: "grants" | "is-down";
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "badged-token-"));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  simulator = await startServiceSimulator({ port: 0, log: silentLog, time: systemTime, token });
  cleanups.push(() => simulator[Symbol.asyncDispose]());
  const key = join(folder, "key.pem");
  writeFileSync(key, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  const tokenUrl = await startEndpoint();
  const oauth = `, oauth: { tokenUrl: "${tokenUrl}", clientId: ${clientId}, keyFile: ${key} }`;
  site = writeSite(folder, 2, simulator.url, { service: oauth });
  gate = await Gate.open(site.port, systemTime);
  cleanups.push(() => gate[Symbol.asyncDispose]());
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Takes an assertion under the known key, for this endpoint, not older than five minutes. */
async function startEndpoint(): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const answer = (status: number, body: object): void =>
        void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      if (mode === "is-down") return answer(503, {});
      const assertion = new URLSearchParams(Buffer.concat(chunks).toString()).get("client_assertion") ?? "";
      jwtVerify(assertion, publicKey, {
        issuer: clientId,
        audience: url,
        maxTokenAge: "300 s",
        algorithms: ["RS256"],
      }).then(
        () => answer(200, { access_token: token, token_type: "Bearer", expires_in: 600 }),
        () => answer(401, { error: "invalid_client" }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return url;
}

function startDaemon(): DaemonProcess {
  const daemon = new DaemonProcess("daemon/main.ts", site.configuration);
  cleanups.push(() => daemon.kill("SIGKILL"));
  return daemon;
}

const status = async (): Promise<LiveStatus | null> =>
  (await readStatus(statusSocketPath(site.store))) as LiveStatus | null;

test("badged gets its token itself and registers; while the endpoint is down it keeps scans, and says why", async () => {
  mode = "is-down";
  const daemon = startDaemon();
  expect(await gate.present(fictionalBadge(0), new AbortController().signal)).toBe(true);
  const during = await eventually(status, (live) => live?.service.lastOutcome === "no-token");
  expect(during?.token).toMatchObject({
    hasToken: false,
    failure: "the token endpoint is not available: status 503",
  });
  expect(simulator.registrations()).toHaveLength(0);
  await eventually(status, (live) => live?.outage.layers["token"] === "unproven");
  mode = "grants";
  await eventually(
    async () => simulator.registrationsOf(fictionalSsin(0)),
    (registrations) => registrations.length === 1,
  );
  const after = await eventually(status, (live) => live?.service.lastOutcome === "answered");
  expect(after).toMatchObject({ token: { hasToken: true, failure: null }, outage: { layers: { token: "ok" } } });
  expect(daemon.output).toContain("no token obtained");
  expect(daemon.output).not.toContain(token);
  expect(daemon.output).not.toContain("eyJ");
}, 60_000);

test("a key that the endpoint does not know is an outage of our own making", async () => {
  mode = "grants";
  const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  writeFileSync(join(folder, "key.pem"), stranger.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  startDaemon();
  const live = await eventually(status, (each) => each !== null && each.outage.cause !== null);
  expect(live).toMatchObject({
    outage: { cause: "own-software", exemption: "not-exempt", layers: { token: "refuses-us" } },
    token: { failure: "the token endpoint refuses the client id or the key: status 401, invalid_client" },
  });
}, 60_000);
