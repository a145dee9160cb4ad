import type { AddressInfo } from "node:net";
import { createServer, getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { parseUtcText, systemTime } from "../base/system-time.ts";
import { makeAuthority, type TestCertificate } from "../testing/tls/certificates.ts";
import { judgeCertificate, probeTls } from "./tls-probe.ts";

const certificate = {
  valid_from: "Mar  1 12:00:00 2026 GMT",
  valid_to: "Jun 11 12:00:00 2026 GMT",
  hasName: true,
  isTrusted: true,
};
const at = (text: string) => present(parseUtcText(text), text);

describe("whose fault a certificate is", () => {
  test.each([
    ["CERT_HAS_EXPIRED", "2026-07-01T00:00:00Z", "bad-certificate"],
    ["CERT_NOT_YET_VALID", "2026-02-01T00:00:00Z", "bad-certificate"],
    ["CERT_HAS_EXPIRED", "2026-05-01T00:00:00Z", "own-tls"],
    ["CERT_NOT_YET_VALID", "2026-05-01T00:00:00Z", "own-tls"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "2026-05-01T00:00:00Z", "own-tls"],
  ])("%s at %s is %s", (code, now, kind) => {
    expect(judgeCertificate(code, certificate, at(now)).kind).toBe(kind);
  });

  test("without a proven time its dates are held against nobody but us", () => {
    expect(judgeCertificate("CERT_HAS_EXPIRED", certificate, null).kind).toBe("own-tls");
  });
});

describe("a server with a real certificate", () => {
  const trusted = makeAuthority("trusted");
  const stranger = makeAuthority("stranger");
  const before = getCACertificates("default");
  beforeAll(() => setDefaultCACertificates([...before, trusted.authority.certificate]));
  afterAll(() => setDefaultCACertificates([...before]));

  const cleanups: (() => void)[] = [];
  afterEach(() => {
    for (const cleanup of cleanups.splice(0)) cleanup();
  });

  async function shown({ key, certificate: cert }: TestCertificate): Promise<string> {
    const server = createServer({ key, cert }, (socket) => socket.end());
    server.on("tlsClientError", () => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    return (await probeTls("127.0.0.1", port, 5_000, systemTime, () => systemTime.wallMs())).kind;
  }

  test.each([
    ["the service's", trusted, "IP:127.0.0.1", 1, "trusted"],
    ["the service's, run out", trusted, "IP:127.0.0.1", -1, "bad-certificate"],
    // A portal of the site, a filter, or a name server that tells another address: it is seen from here only.
    ["somebody else's", trusted, "DNS:portal.example", 1, "other-name"],
    ["somebody else's, run out", trusted, "DNS:portal.example", -1, "other-name"],
    ["a router's own", stranger, "DNS:router.local", 1, "own-tls"],
    ["a router's own, run out", stranger, "DNS:router.local", -1, "own-tls"],
    ["of the service's name, run out, that anybody can make", stranger, "IP:127.0.0.1", -1, "own-tls"],
  ])("that is %s", async (_, authority, names, days, kind) => {
    expect(await shown(authority.issue(names, days))).toBe(kind);
  });
});
