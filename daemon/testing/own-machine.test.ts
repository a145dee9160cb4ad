import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { systemTime } from "../base/system-time.ts";
import { TokenWay } from "../compose/token-way.ts";
import type { HealthAnswer } from "../forward/ciao/ciao-client.ts";
import { findingOf } from "../outage/cause.ts";
import { type Layers, nothingSeen } from "../outage/layers.ts";
import { defaultPatience, NetworkProbes } from "../outage/network-probes.ts";
import { isOwnAddress } from "../outage/own-address.ts";

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

/** Those of the interfaces towards others; a machine without network has none. */
const ownAddresses = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .filter(({ internal, family }) => !internal && family === "IPv4")
  .map(({ address }) => address);

const unanswered: HealthAnswer = { kind: "not-answered" };

test.each([
  ["is silent", "http://127.0.0.1:9/REST", unanswered],
  ["is silent by its name", "http://localhost:9/REST", unanswered],
  ["is silent over TLS", "https://[::1]:9/REST", unanswered],
  ["answers for a service that it cannot reach", "http://127.0.0.1:9/REST", { kind: "answered", status: 502 }],
  ["is silent at the address of no interface", "http://0.0.0.0:9/REST", unanswered],
  ["is silent at an IPv4 address written as IPv6", "https://[::ffff:127.0.0.1]:9/REST", unanswered],
  [
    "answers with an error at another machine of the site",
    "https://192.168.7.7:9/REST",
    { kind: "answered", status: 502 },
  ],
  ...ownAddresses.flatMap((address) => [
    [`is silent at ${address}`, `https://${address}:9/REST`, unanswered] as const,
    [`answers with an error at ${address}`, `https://${address}:9/REST`, { kind: "answered", status: 502 }] as const,
  ]),
] as const)(
  "a service whose address is the employer's and that %s may fail by his own program",
  async (...[, url, health]) => {
    const layers = await lookAt(url, health);
    expect(layers.anchors).toBe("all");
    expect(findingOf(layers)).toMatchObject({ cause: "unknown", exemption: "ambiguous" });
    expect(findingOf(layers)?.settledBy).toContain("own-way-look");
  },
);

test("a service whose address is the employer's and that answers is well", async () => {
  expect(findingOf(await lookAt("http://127.0.0.1:9/REST", { kind: "answered", status: 200 }))).toBeNull();
});

test("no public address of others is the employer's", () => {
  const others = ["198.51.100.7", "2001:db8::7", "::ffff:198.51.100.7"];
  for (const address of others) expect(isOwnAddress([address])).toBe(false);
  expect(isOwnAddress([])).toBe(false);
  expect(isOwnAddress(["198.51.100.7", "fe80::1%lo", "127.3.2.1"])).toBe(true);
});

function moduleAt(path: string): string {
  return JSON.stringify(new URL(path, import.meta.url).href);
}

const ownAddress = moduleAt("../outage/own-address.ts");

test("where a box out of file descriptors cannot tell its own addresses, any may be one of them", () => {
  const script = `import { openSync } from "node:fs";
    const { leadsToOwnMachine } = await import(${ownAddress});
    const { systemTime } = await import(${moduleAt("../base/system-time.ts")});
    try { for (;;) openSync("/dev/null"); } catch {}
    console.log(await leadsToOwnMachine("far.example", ["198.51.100.7"], 1, systemTime));`;
  const run = ["-c", 'ulimit -n 64; exec "$@"', "sh", process.execPath, "--input-type=module", "--eval", script];
  expect(spawnSync("sh", run, { encoding: "utf8" }).stdout).toBe("true\n");
});

/** What the script prints, with this text in the place of a file of the system. */
function printedBeside(file: string, text: string, script: string): string {
  const folder = mkdtempSync(join(tmpdir(), "badged-names-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const own = join(folder, "own");
  writeFileSync(own, text);
  const inOwnMounts = ["--mount", "sh", "-c", 'mount --bind "$0" "$1" && shift && exec "$@"', own, file];
  const run = [...inOwnMounts, process.execPath, "--input-type=module", "--eval", script];
  return spawnSync("unshare", run, { encoding: "utf8" }).stdout;
}

const cannotMount = spawnSync("unshare", ["--mount", "true"]).status !== 0;

test.skipIf(cannotMount)("a name may lead to this box", () => {
  const hosts = "127.0.0.1 localhost\n127.0.5.1 proxy.example\n198.51.100.7 far.example\n";
  const script = `const { leadsToOwnMachine } = await import(${ownAddress});
    const { systemTime } = await import(${moduleAt("../base/system-time.ts")});
    const told = (name) => leadsToOwnMachine(name, null, 60_000, systemTime);
    console.log(await told("proxy.example"), await told("far.example"));`;
  expect(printedBeside("/etc/hosts", hosts, script)).toBe("true false\n");
});

test.skipIf(cannotMount)("name servers that are silent are not waited for until the system gives up", () => {
  const script = `import { createSocket } from "node:dgram";
    import { once } from "node:events";
    import { writeSync } from "node:fs";
    const { leadsToOwnMachine } = await import(${ownAddress});
    const { ManualTime } = await import(${moduleAt("manual-time.ts")});
    const end = (said) => { writeSync(1, said + "\\n"); process.kill(process.pid, "SIGKILL"); };
    const server = createSocket("udp4").bind(53, "127.0.5.3");
    await once(server, "listening");
    const time = new ManualTime();
    const told = leadsToOwnMachine("proxy.example", null, 3_000, time);
    const asked = new Set();
    // The system asks the same again only once it has given up on the first answer.
    server.on("message", (question) => {
      const text = question.toString("hex");
      if (asked.has(text)) end("waited");
      asked.add(text);
      void time.advance(3_000);
    });
    end(await told);`;
  expect(printedBeside("/etc/resolv.conf", "nameserver 127.0.5.3\n", script)).toBe("false\n");
});

test.each(["https://127.0.0.1:9/token", "https://0.0.0.0:9/token"])(
  "of a token endpoint at %s that fails it is not known whose failure that is",
  async (url) => {
    const ports = { time: systemTime, nowMs: () => systemTime.wallMs() };
    const way = new TokenWay(url, { anchors: [], resolvers: [] }, ports);
    const token = await way.judge();
    if (token === "open" || token === "reopened") expect.unreachable();
    const finding = findingOf({ ...nothingSeen, dns: "ok", anchors: "all", service: "ok", token });
    expect(finding?.exemption).toBe("ambiguous");
  },
);
