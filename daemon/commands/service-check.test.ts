import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createSocketServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Configuration } from "../../config/configuration.ts";
import { spkiPin } from "../base/spki-pin.ts";
import { httpDateText, systemTime, utcText } from "../base/system-time.ts";
import { wallMs } from "../base/time.ts";
import type { LiveClock } from "../supervisor/live-status.ts";
import { statusSocketPath } from "../supervisor/status-socket.ts";
import {
  type AuthorizationServer,
  startAuthorizationServer,
  testClientId,
} from "../testing/oauth/authorization-server.ts";
import { makeAuthority, type TestCertificate } from "../testing/tls/certificates.ts";
import type { CertificateLook } from "./certificate-look.ts";
import { serviceCheck, trySteps } from "./service-check.ts";
import type { Step, StepName } from "./service-steps.ts";
import { certificateStepOf } from "./service-way.ts";

type Service = Configuration["service"];

const folder = mkdtempSync(join(tmpdir(), "badged-check-"));
const authority = makeAuthority("A test authority");
const known = authority.issue("IP:127.0.0.1,DNS:localhost");
const stranger = makeAuthority("Nobody").issue("IP:127.0.0.1");
const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
const keyFile = join(folder, "key.pem");
writeFileSync(keyFile, keys.privateKey.export({ type: "pkcs1", format: "pem" }), { mode: 0o600 });

const before = getCACertificates("default");
let tokens: AuthorizationServer;
beforeAll(async () => {
  setDefaultCACertificates([...before, authority.authority.certificate]);
  tokens = await startAuthorizationServer(keys.publicKey);
});
afterAll(async () => {
  setDefaultCACertificates([...before]);
  rmSync(folder, { recursive: true });
  await tokens[Symbol.asyncDispose]();
});

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const up: RequestListener = (_request, response) =>
  void response.writeHead(200, { "content-type": "application/json" }).end('{"status":"UP"}');

async function serve(listener: RequestListener, certificate: TestCertificate | null = known): Promise<string> {
  const server =
    certificate === null
      ? createServer(listener)
      : createTlsServer({ key: certificate.key, cert: certificate.certificate }, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return `${certificate === null ? "http" : "https"}://127.0.0.1:${port}/v1`;
}

function serviceAt(url: string, more: Partial<Service> = {}): Service {
  return {
    url,
    tokenFile: null,
    oauth: null,
    pins: [],
    limosaField: null,
    receiptLimitMs: null,
    late: "withhold",
    timeoutMs: 10_000,
    callIntervalMs: 0,
    paths: { register: "/register", search: null, registration: "none", health: "/health" },
    ...more,
  };
}

const oauth = (more: Partial<NonNullable<Service["oauth"]>> = {}): Partial<Service> => ({
  oauth: {
    tokenUrl: tokens.tokenUrl,
    audience: tokens.tokenUrl,
    clientId: testClientId,
    keyFile,
    keyId: null,
    scope: null,
    ...more,
  },
});

const ports = { time: systemTime, resolve: async () => ["127.0.0.1"] };
const check = (service: Service, clock: LiveClock | null = null): Promise<readonly Step[]> =>
  trySteps(service, clock, ports);

const statesOf = (steps: readonly Step[]): readonly string[] => steps.map(({ step, state }) => `${step} ${state}`);
function stepOf(steps: readonly Step[], name: StepName): Partial<Step> {
  return steps.find(({ step }) => step === name) ?? {};
}

const trusted = (utcMs: number, state: LiveClock["state"] = "synchronised"): LiveClock => ({
  bootId: "boot",
  state,
  why: null,
  utc: utcText(wallMs(utcMs)),
  errorBoundMs: 5,
  basis: "quorum",
  syncAgeMs: 1_000,
  driftPpm: { synchronised: 1, holdover: 10 },
  servers: 4,
  poll: null,
  sources: [],
  events: [],
  service: null,
  receipt: {
    configuredMs: null,
    inForceMs: null,
    aboveMs: null,
    atMostMs: null,
    clockSuspicions: 0,
    transitP999Ms: 0,
    late: "withhold",
  },
});

describe("the whole way", () => {
  test("goes well up to a token and the service's health", async () => {
    const steps = await check(serviceAt(await serve(up), oauth()));
    expect(statesOf(steps)).toEqual([
      "name ok",
      "connection ok",
      "certificate ok",
      "clock ok",
      "token name ok",
      "token connection ok",
      "token certificate ok",
      "token ok",
      "health ok",
    ]);
    expect(stepOf(steps, "certificate").found).toMatch(/^of A test authority, \d days left; keys \S{44} \S{44}$/);
    expect(stepOf(steps, "token").found).toBe("obtained; it holds for 600 s");
    expect(stepOf(steps, "health").found).toBe("the service says UP");
  });

  test("registers nobody: the service sees nothing but a question after its health", async () => {
    const seen: string[] = [];
    const url = await serve((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      up(request, response);
    });
    await check(serviceAt(url, oauth()));
    expect(seen).toEqual(["GET /v1/health"]);
  });

  test("to a simulator without a token", async () => {
    const steps = await check(serviceAt(await serve(up, null)));
    expect(steps.every(({ state }) => state === "ok")).toBe(true);
    expect(stepOf(steps, "certificate").found).toContain("simulator");
  });

  test("a health that wants the token gets it", async () => {
    const url = await serve((request, response) => {
      if (request.headers.authorization === undefined) response.writeHead(401).end();
      else up(request, response);
    });
    expect(stepOf(await check(serviceAt(url, oauth())), "health")).toMatchObject({ state: "ok" });
    expect(stepOf(await check(serviceAt(url)), "health")).toMatchObject({
      state: "failed",
      found: "the service answers only who has a token (status 401), and none is configured",
      advice: expect.stringContaining("service.oauth"),
      isConfiguration: true,
    });
    const refused = await check(serviceAt(url, oauth({ clientId: "nobody" })));
    expect(stepOf(refused, "health")).toMatchObject({ state: "not-tried" });
  });
});

describe("what fails is told, and what it hides is not tried", () => {
  test("a name without an address", async () => {
    const steps = await trySteps(serviceAt("https://service.example/v1", oauth()), null, {
      time: systemTime,
      resolve: () => Promise.reject(Object.assign(new Error("no"), { code: "ENOTFOUND" })),
    });
    expect(statesOf(steps)).toEqual([
      "name failed",
      "connection not-tried",
      "certificate not-tried",
      "clock not-tried",
      "token name ok",
      "token connection ok",
      "token certificate ok",
      "token not-tried",
      "health not-tried",
    ]);
    expect(steps[0]?.advice).toContain("compare service.url with what the RSZ gives");
  });

  test("a port that refuses", async () => {
    const steps = await check(serviceAt("https://127.0.0.1:1/v1"));
    expect(stepOf(steps, "connection")).toMatchObject({ state: "failed", found: expect.stringContaining("refuses") });
    expect(stepOf(steps, "health").state).toBe("not-tried");
  });

  test("a token endpoint on the server that cannot be reached is not tried, whatever proves the time", async () => {
    const tokenUrl = "https://127.0.0.1:1/oauth/token";
    for (const clock of [null, trusted(systemTime.wallMs())]) {
      expect(
        stepOf(await check(serviceAt("https://127.0.0.1:1/v1", oauth({ tokenUrl })), clock), "token"),
      ).toMatchObject({
        state: "not-tried",
        found: "the way to the token endpoint is not open",
      });
    }
  });

  test("a certificate that this box does not trust: nothing is sent", async () => {
    let requests = 0;
    const url = await serve(() => {
      requests += 1;
    }, stranger);
    const steps = await check(serviceAt(url));
    expect(stepOf(steps, "certificate")).toMatchObject({
      state: "failed",
      advice: expect.stringContaining("ca-certificates"),
    });
    expect(requests).toBe(0);
  });

  test("a key that is not pinned: those that the chain has are told", async () => {
    const url = await serve(up);
    const pin = spkiPin(new X509Certificate(known.certificate));
    const steps = await check(serviceAt(url, { pins: [`${"A".repeat(43)}=`] }));
    expect(stepOf(steps, "certificate")).toMatchObject({ state: "failed", found: expect.stringContaining(pin) });
    expect(stepOf(await check(serviceAt(url, { pins: [pin] })), "certificate").state).toBe("ok");
  });

  test("a client id that the token endpoint does not know", async () => {
    const steps = await check(serviceAt(await serve(up), oauth({ clientId: "nobody" })));
    expect(stepOf(steps, "token")).toMatchObject({
      state: "failed",
      found: expect.stringContaining("refuses the client id or the key: status 401, invalid_client"),
      advice: expect.stringContaining("service.oauth.clientId"),
      isConfiguration: false,
    });
    expect(stepOf(steps, "health").state).toBe("ok");
  });

  test.each([404, 405])(
    "a token endpoint that answers %d is another address, and no matter of the key",
    async (status) => {
      const tokenUrl = await serve((_request, response) => response.writeHead(status).end());
      expect(stepOf(await check(serviceAt(await serve(up), oauth({ tokenUrl }))), "token")).toMatchObject({
        state: "failed",
        advice: expect.stringMatching(/^compare service\.oauth\.tokenUrl/),
      });
    },
  );

  test("a key file that is not there is a mistake of the configuration", async () => {
    const steps = await check(serviceAt(await serve(up), oauth({ keyFile: join(folder, "nowhere.pem") })));
    expect(stepOf(steps, "token")).toMatchObject({ state: "failed", isConfiguration: true });
  });

  test("a key or token that only the service sees is no mistake, and how to try it is told", async () => {
    const url = await serve(up);
    const file = "$CREDENTIALS_DIRECTORY/ciao";
    for (const service of [serviceAt(url, oauth({ keyFile: file })), serviceAt(url, { tokenFile: file })]) {
      expect(stepOf(await check(service), "token")).toMatchObject({
        state: "failed",
        found: expect.stringContaining("for the service that systemd starts alone"),
        advice: expect.stringContaining("CREDENTIALS_DIRECTORY=/etc/badged/secrets badged service check"),
        isConfiguration: false,
      });
    }
  });

  test.each([
    [503, '{"status":"DOWN"}', "failed", "not well (status 503, DOWN)"],
    [200, '{"status":"DEGRADED"}', "ok", "the service says DEGRADED"],
    [200, '{"status":{"toString":1}}', "ok", "says nothing of its health (status 200)"],
    [200, '{"status":"UP 93.05.18-223.61\\n"}', "ok", "the service says UP [number removed]"],
    [302, "", "failed", "sends on to another address"],
    [404, "", "ok", "no page for its health"],
    [429, "", "failed", "fewer calls"],
  ])("a health of %d %s is %s", async (status, body, state, words) => {
    const url = await serve((_request, response) => response.writeHead(status).end(body));
    expect(stepOf(await check(serviceAt(url)), "health")).toMatchObject({
      state,
      found: expect.stringContaining(words),
    });
  });

  test.each([404, 200])(
    "where no page tells its health (%d), a wrong path cannot be told, and that is said",
    async (status) => {
      const url = await serve((_request, response) => response.writeHead(status).end("<html>welcome</html>"));
      const { advice } = stepOf(await check(serviceAt(url)), "health");
      expect(advice).toContain("compare it with what the RSZ gives");
    },
  );
});

describe("the clock", () => {
  const behind: RequestListener = (request, response) => {
    response.setHeader("date", httpDateText(wallMs(systemTime.wallMs() - 60_000)));
    up(request, response);
  };

  test("a minute beside the service's, without a daemon: the box's clock is to be set", async () => {
    expect(stepOf(await check(serviceAt(await serve(behind))), "clock")).toMatchObject({
      state: "failed",
      found: expect.stringMatching(
        /^this box's clock \(badged does not run\) is (59|60)\.\d s ahead of the service's$/,
      ),
      advice: expect.stringContaining("chrony"),
    });
  });

  test("the running daemon's clock is the one that is compared", async () => {
    const url = await serve(behind);
    const agreeing = trusted(systemTime.wallMs() - 60_000);
    expect(stepOf(await check(serviceAt(url), agreeing), "clock")).toMatchObject({ state: "ok" });
    expect(stepOf(await check(serviceAt(url), trusted(systemTime.wallMs())), "clock")).toMatchObject({
      state: "failed",
      advice: expect.stringContaining("remark 32"),
    });
  });

  test("a daemon that does not know the time", async () => {
    const steps = await check(serviceAt(await serve(up)), trusted(systemTime.wallMs(), "unsynchronised"));
    expect(stepOf(steps, "clock").state).toBe("failed");
  });
});

describe("a certificate's dates", () => {
  const look = (fault: string | null): CertificateLook => ({
    kind: "shown",
    fault,
    issuer: "an authority",
    validFrom: wallMs(1_780_000_000_000),
    validUntil: wallMs(1_780_000_000_000 + 90 * 86_400_000),
    pins: ["p"],
  });
  const on = (day: number) => wallMs(1_780_000_000_000 + day * 86_400_000);

  test.each([
    ["CERT_HAS_EXPIRED", on(100), on(100), "its owner's mistake"],
    ["CERT_HAS_EXPIRED", on(10), on(100), "this box's own clock is wrong"],
    ["CERT_NOT_YET_VALID", on(10), on(-9_000), "this box's own clock is wrong"],
    ["CERT_HAS_EXPIRED", null, on(100), "where that is right, it is its owner's mistake"],
    ["CERT_NOT_YET_VALID", null, on(-9_000), "where it is wrong, let chrony set it"],
    // By its own dates it is taken: the one that ran out stands above it.
    ["CERT_HAS_EXPIRED", on(10), on(10), "one of those that vouch for it"],
    ["CERT_HAS_EXPIRED", null, on(10), "one of those that vouch for it"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", on(10), on(10), "for another name"],
  ])("%s, proven %s, box %s: %s", (fault, proven, box, words) => {
    const { state, advice } = certificateStepOf("certificate", look(fault), [], proven, box);
    expect(state).toBe("failed");
    expect(advice).toContain(words);
    // With nothing that proves the time, or with a clock that the dates do not contradict, the box's clock is not to blame.
    expect(advice.includes("own clock is wrong")).toBe(words.includes("own clock is wrong"));
  });

  test("its end is told, and worth a word when it is near", () => {
    expect(certificateStepOf("certificate", look(null), [], null, on(10))).toMatchObject({ state: "ok", advice: "" });
    expect(certificateStepOf("certificate", look(null), [], null, on(80))).toMatchObject({
      state: "ok",
      found: expect.stringContaining("10 days left"),
      advice: expect.stringContaining("renew"),
    });
  });
});

describe("the command", () => {
  function siteFile(url: string, more = ""): string {
    const file = join(folder, "site.yaml");
    writeFileSync(join(folder, "roster.csv"), "badge,ssin,employer\n");
    writeFileSync(
      file,
      `site: { name: Werf, timeZone: Europe/Brussels, place: { coordinates: { latitude: 51.05, longitude: 3.71 } } }
store: { directory: ${join(folder, "store")} }
roster: { file: roster.csv, badgeForm: hex }
readers: [{ id: gate, driver: rdm6300, port: /dev/ttyUSB0 }]
service:
  url: ${url}
${more}`,
    );
    return file;
  }

  async function run(
    file: string,
    json = false,
    daemonMaxMs?: number,
  ): Promise<{ readonly code: number; readonly lines: readonly string[]; readonly errors: readonly string[] }> {
    const [lines, errors]: [string[], string[]] = [[], []];
    const terminal = {
      out: (line: string) => void lines.push(line),
      err: (line: string) => void errors.push(line),
      interactive: false,
    };
    return { code: await serviceCheck(file, json, terminal, daemonMaxMs), lines, errors };
  }

  test("says each step on a line, and ends with 0", async () => {
    const { code, lines } = await run(siteFile(await serve(up, null)));
    expect(code).toBe(0);
    expect(lines.map((line) => line.slice(0, 22))).toEqual([
      "name               ok,",
      "connection         ok,",
      "certificate        ok,",
      "clock              ok,",
      "token              ok,",
      "health             ok,",
      "Nobody was registered.",
    ]);
  });

  test("a token that was not asked for is not one that was given: it ends with 69, and says how to try it", async () => {
    const url = await serve((request, response) => {
      response.sendDate = false;
      up(request, response);
    }, null);
    const more = `  oauth: { tokenUrl: "${tokens.tokenUrl}", clientId: ${testClientId}, keyFile: ${keyFile} }\n`;
    const { code, lines } = await run(siteFile(url, more));
    expect(code).toBe(69);
    expect(lines.filter((line) => line.startsWith("token  "))).toEqual([
      expect.stringMatching(/^token +not tried: .*; a running badged asks for one once something proves the time$/),
    ]);
    expect(JSON.parse((await run(siteFile(url, more), true)).lines[0] ?? "")).toMatchObject({ ok: false });
  });

  test("a daemon that hangs does not keep the way from being tried", async () => {
    const untimed: RequestListener = (request, response) => {
      response.sendDate = false;
      up(request, response);
    };
    const file = siteFile(await serve(untimed, null));
    mkdirSync(join(folder, "store"), { recursive: true });
    const silent = createSocketServer(() => {});
    await new Promise<void>((resolve) => silent.listen(statusSocketPath(join(folder, "store")), resolve));
    cleanups.push(() => silent.close());
    const { code, lines, errors } = await run(file, false, 100);
    expect(code).toBe(0);
    expect(lines).toHaveLength(7);
    // It runs: nothing may say that it does not.
    expect(lines.filter((line) => line.startsWith("clock"))).toEqual([
      expect.stringMatching(/^clock +not tried: no badged told the time, nor did the service$/),
    ]);
    expect(errors).toEqual([expect.stringContaining("does not answer")]);
  });

  test("ends with 69 when a step fails, with what to do below it", async () => {
    const { code, lines } = await run(siteFile("http://127.0.0.1:1/v1"));
    expect(code).toBe(69);
    expect(lines.slice(1, 3)).toEqual([
      "connection         FAILED: port 1 refuses the connection (ECONNREFUSED)",
      expect.stringMatching(/^ {19}→ .*badged simulate service/),
    ]);
  });

  test("for machines it is one document, without the token", async () => {
    const { lines } = await run(
      siteFile(
        await serve(up, null),
        `  oauth: { tokenUrl: "${tokens.tokenUrl}", clientId: ${testClientId}, keyFile: ${keyFile} }\n`,
      ),
      true,
    );
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ ok: true, steps: { length: 9 } });
    expect(lines[0]).not.toMatch(/eyJ|BEGIN|Bearer/);
  });

  test("a configuration that cannot be used is told as ever", async () => {
    const file = siteFile("http://127.0.0.1:1/v1", `  tokenFile: ${join(folder, "nowhere")}\n`);
    await expect(run(file)).rejects.toMatchObject({ code: "configuration-invalid" });
  });
});
