import { X509Certificate } from "node:crypto";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { getCACertificates, type SecureVersion, setDefaultCACertificates } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { spkiPin } from "../base/spki-pin.ts";
import { systemTime } from "../base/system-time.ts";
import { probeTls } from "../outage/tls-probe.ts";
import { makeAuthority, type TestCertificate } from "../testing/tls/certificates.ts";
import { HttpCaller, type HttpOutcome } from "./http-call.ts";

const trusted = makeAuthority("trusted");
const other = makeAuthority("other");
const server = trusted.issue("IP:127.0.0.1");
const misnamed = trusted.issue("DNS:elsewhere.example");
const pinOf = ({ certificate }: TestCertificate): string => spkiPin(new X509Certificate(certificate));

const before = getCACertificates("default");
beforeAll(() => setDefaultCACertificates([...before, trusted.authority.certificate]));
afterAll(() => setDefaultCACertificates([...before]));

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Served = { readonly port: number; readonly requests: () => number };

async function serve(
  { key, certificate }: TestCertificate,
  sentAlong = "",
  version: SecureVersion = "TLSv1.3",
): Promise<Served> {
  let requests = 0;
  const https = createServer({ key, cert: `${certificate}${sentAlong}`, maxVersion: version }, (_request, response) => {
    requests += 1;
    response.end("hello");
  });
  https.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => https.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    https.closeAllConnections();
    https.close();
  });
  return { port: (https.address() as AddressInfo).port, requests: () => requests };
}

function callerOf(port: number, pins: readonly string[]): HttpCaller {
  const caller = new HttpCaller(`https://127.0.0.1:${port}`, 5_000, systemTime, undefined, { pins });
  cleanups.push(() => caller[Symbol.asyncDispose]());
  return caller;
}

const get = { method: "GET", path: "/", headers: {}, body: null } as const;
const call = (caller: HttpCaller): Promise<HttpOutcome> => caller.call(get, new AbortController().signal);

describe("a pinned key", () => {
  test.each([
    ["the server's own", [pinOf(server)]],
    ["its authority's", [pinOf(trusted.authority)]],
    ["one of several", [pinOf(other.authority), pinOf(trusted.authority)]],
    ["none at all", []],
  ])("%s lets the call through", async (_, pins) => {
    const { port } = await serve(server);
    expect(await call(callerOf(port, pins))).toMatchObject({ kind: "answered", body: "hello" });
  });

  test("that the chain does not have ends the call before anything is sent, every time", async () => {
    const { port, requests } = await serve(server, "", "TLSv1.2");
    const caller = callerOf(port, [pinOf(other.authority)]);
    for (let time = 0; time < 3; time += 1) {
      expect(await call(caller)).toMatchObject({ kind: "not-sent", cause: "pin-mismatch" });
    }
    expect(requests()).toBe(0);
  });

  test("is not found in a certificate that was sent along but signed nothing of the chain", async () => {
    const { port, requests } = await serve(server, other.authority.certificate);
    const outcome = await call(callerOf(port, [pinOf(other.authority)]));
    expect(outcome).toMatchObject({ kind: "not-sent", cause: "pin-mismatch" });
    expect(requests()).toBe(0);
  });

  test("does not stand in for trust", async () => {
    const untrusted = other.issue("IP:127.0.0.1");
    const { port, requests } = await serve(untrusted);
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    cleanups.push(() => delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"]);
    const outcome = await call(callerOf(port, [pinOf(untrusted), pinOf(other.authority)]));
    expect(outcome).toMatchObject({ kind: "not-sent", cause: "tls-failed" });
    expect(requests()).toBe(0);
  });
});

test.each(["TLSv1.2", "TLSv1.3"] as const)(
  "over %s, a certificate for another name is refused again and again: no session is taken up",
  async (version) => {
    const { port, requests } = await serve(misnamed, "", version);
    const caller = callerOf(port, []);
    for (let time = 0; time < 3; time += 1) {
      expect(await call(caller)).toMatchObject({ kind: "not-sent", cause: "tls-failed" });
    }
    expect(requests()).toBe(0);
  },
);

describe("the watch's own look", () => {
  const look = (port: number, pins: readonly string[]) =>
    probeTls("127.0.0.1", port, 5_000, systemTime, () => null, pins);

  test("calls a key that is not pinned our own affair", async () => {
    const { port } = await serve(server);
    expect(await look(port, [pinOf(other.authority)])).toEqual({
      kind: "own-tls",
      detail: "ERR_TLS_PIN_MISMATCH",
      sentTo: [],
    });
    expect(await look(port, [pinOf(server)])).toEqual({ kind: "trusted", detail: "", sentTo: [] });
  });
});
