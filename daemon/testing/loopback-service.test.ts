import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { systemTime } from "../base/system-time.ts";
import { TokenWay } from "../compose/token-way.ts";
import type { HealthAnswer } from "../forward/ciao/ciao-client.ts";
import { findingOf } from "../outage/cause.ts";
import { type Layers, nothingSeen } from "../outage/layers.ts";
import { defaultPatience, NetworkProbes } from "../outage/network-probes.ts";

/** Everything that the box can ask answers, but for the service. */
async function lookAt(serviceUrl: string, health: HealthAnswer): Promise<Layers> {
  await using anchor = await listening();
  const anchors = [{ host: "127.0.0.1", port: anchor.port }];
  const probes = new NetworkProbes(
    { anchors, resolvers: [], firstHop: null, secondInterface: null, serviceUrl, pins: [], patience: defaultPatience },
    { time: systemTime, nowMs: () => systemTime.wallMs(), askHealth: async () => health, secondWay: null },
  );
  const { signal } = new AbortController();
  return { ...nothingSeen, ...(await probes.local()), ...(await probes.beyond(signal)) };
}

async function listening(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((socket) => void socket.destroy());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, "close");
    },
  };
}

const unanswered: HealthAnswer = { kind: "not-answered" };

test.each([
  ["is silent", "http://127.0.0.1:9/REST", unanswered],
  ["is silent by its name", "http://localhost:9/REST", unanswered],
  ["is silent over TLS", "https://[::1]:9/REST", unanswered],
  ["answers for a service that it cannot reach", "http://127.0.0.1:9/REST", { kind: "answered", status: 502 }],
] as const)(
  "a service whose address is this box and that %s may be the employer's own program",
  async (...[, url, health]) => {
    const layers = await lookAt(url, health);
    expect(layers.anchors).toBe("all");
    expect(findingOf(layers)).toMatchObject({ cause: "unknown", exemption: "ambiguous" });
    expect(findingOf(layers)?.settledBy).toContain("own-way-look");
  },
);

test("a service whose address is this box and that answers is well", async () => {
  expect(findingOf(await lookAt("http://127.0.0.1:9/REST", { kind: "answered", status: 200 }))).toBeNull();
});

test("a token endpoint whose address is this box is nobody's for certain when it fails", async () => {
  const ports = { time: systemTime, nowMs: () => systemTime.wallMs() };
  const way = new TokenWay("https://127.0.0.1:9/token", { anchors: [], resolvers: [] }, ports);
  const token = await way.judge();
  if (token === "open" || token === "reopened") expect.unreachable();
  const finding = findingOf({ ...nothingSeen, dns: "ok", anchors: "all", service: "ok", token });
  expect(finding?.exemption).toBe("ambiguous");
});
