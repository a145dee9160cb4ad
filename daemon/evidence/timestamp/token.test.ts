import { createHash } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type WallMs, wallMs } from "../../base/time.ts";
import { purpose, TimestampAuthority } from "../../testing/evidence/timestamp-authority.ts";
import { timestampRefusals } from "./refusal.ts";
import { timestampRequest } from "./request.ts";
import { readTimestampResponse } from "./response.ts";
import { responseMaxBytes, type TokenQuestion, verifyToken } from "./token.ts";

const imprint = createHash("sha256").update("a checkpoint").digest();
const nonce = 0x0123456789abcdefn;
const nowMs = wallMs(1_790_000_000_000);
let authority: TimestampAuthority;
let other: TimestampAuthority;
let response: Uint8Array;

beforeAll(async () => {
  const clock = (): WallMs => nowMs;
  [authority, other] = await Promise.all([TimestampAuthority.open({ clock }), TimestampAuthority.open({ clock })]);
  response = await authority.reply(timestampRequest(imprint, nonce, null));
});
afterAll(async () => {
  await Promise.all([authority[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
});

function verdict(changes: Partial<TokenQuestion> = {}): ReturnType<typeof verifyToken> {
  return verifyToken({ response, imprint, caPem: authority.caPem, nonce, ...changes });
}

function reasonOf(changes: Partial<TokenQuestion>): string {
  const found = verdict(changes);
  return found.kind === "refused" ? found.reason : found.kind;
}

describe("a token of a real authority", () => {
  test("verifies, with its time and the authority's own bound", () => {
    expect(verdict()).toMatchObject({
      kind: "verified",
      genTimeMs: nowMs,
      notBeforeMs: nowMs - 1000,
      notAfterMs: nowMs + 1000,
      by: "Test timestamps",
    });
  });

  test("verifies again without its request, as from a bundle", () => {
    expect(verifyToken({ response, imprint, caPem: authority.caPem }).kind).toBe("verified");
  });

  test.each([
    ["an RSA key", { key: "rsa" }],
    ["an authority between, which only the token brings", { intermediate: true }],
  ] as const)("verifies with %s", async (_, options) => {
    await using another = await TimestampAuthority.open(options);
    const stamped = await another.stamp(imprint);
    expect(verifyToken({ response: stamped, imprint, caPem: another.caPem }).kind).toBe("verified");
    expect(await another.verdictOfOpenssl(stamped, imprint)).toBeNull();
  });

  test("verifies among several configured authorities", () => {
    expect(reasonOf({ caPem: `the old one\n${other.caPem}\nthe new one\n${authority.caPem}` })).toBe("verified");
  });
});

describe("refused is", () => {
  test("another imprint", () => {
    expect(reasonOf({ imprint: createHash("sha256").update("a forged checkpoint").digest() })).toBe("other-imprint");
  });

  test("another nonce: an older answer that is played again", () => {
    expect(reasonOf({ nonce: nonce + 1n })).toBe("other-nonce");
  });

  test("another policy", () => {
    expect(reasonOf({ policy: "1.2.3.4" })).toBe("other-policy");
  });

  test("an authority that is not the configured one, whatever certificates the token brings", () => {
    expect(reasonOf({ caPem: other.caPem })).toBe("untrusted-authority");
  });

  test.each([
    ["nothing", ""],
    ["words", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"],
  ])("a configured authority that is %s", (_, caPem) => {
    expect(reasonOf({ caPem })).toBe("authority-unreadable");
  });

  test("a configured certificate that is not a root", () => {
    const [certificate] = readTimestampResponse(response).token?.certificates ?? [];
    const base64 = Buffer.from(certificate ?? []).toString("base64");
    const caPem = `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`;
    expect(reasonOf({ caPem })).toBe("authority-unreadable");
  });

  test.each([
    ["a client's certificate", [purpose("critical,clientAuth")]],
    ["timestamping and another purpose", [purpose("critical,timeStamping,clientAuth")]],
    ["a purpose that is not critical", [purpose("timeStamping")]],
    ["any purpose", [purpose("critical,anyExtendedKeyUsage")]],
    ["no purpose", []],
    [
      "a key that may also sign certificates",
      ["keyUsage=digitalSignature,keyCertSign", purpose("critical,timeStamping")],
    ],
  ])("a signer's certificate with %s", async (_, extensions) => {
    const forged = await authority.replyWith(extensions, timestampRequest(imprint, nonce, null));
    expect(reasonOf({ response: forged })).toBe("wrong-purpose");
    expect(await authority.verdictOfOpenssl(forged, imprint)).not.toBeNull();
  });

  test("nothing about that way of signing again in itself", async () => {
    const right = await authority.replyWith([purpose("critical,timeStamping")], timestampRequest(imprint, nonce, null));
    expect(reasonOf({ response: right })).toBe("verified");
  });

  test("a certificate that was not valid then", async () => {
    await using expired = await TimestampAuthority.open({ validDays: 1 });
    const stamped = await expired.stamp(imprint);
    const found = verifyToken({ response: stamped, imprint, caPem: expired.caPem });
    expect(found).toMatchObject({ kind: "refused", reason: "certificate-not-valid" });
  });

  test("a clock that is a day off, and only where our own is vouched for", () => {
    const day = 86_400_000;
    for (const offMs of [-day, day]) {
      const clock = { notBeforeMs: wallMs(nowMs + offMs - 10), notAfterMs: wallMs(nowMs + offMs + 10) };
      expect(reasonOf({ clock })).toBe("clock-disagrees");
    }
    expect(reasonOf({ clock: { notBeforeMs: wallMs(nowMs - 900), notAfterMs: wallMs(nowMs - 800) } })).toBe("verified");
  });

  test("what is too long, before it is read", () => {
    expect(reasonOf({ response: new Uint8Array(responseMaxBytes + 1) })).toBe("too-long");
  });

  test("a refusal of the authority, with its words", () => {
    const worded = Buffer.from("300b300902010230040c026e6f", "hex");
    expect(verdict({ response: worded })).toMatchObject({ reason: "not-granted", detail: "status 2: no" });
  });

  test("granted without a token, and garbage", () => {
    expect(reasonOf({ response: Buffer.from("30053003020100", "hex") })).toBe("malformed");
    expect(reasonOf({ response: Buffer.from("<html>") })).toBe("malformed");
    expect(reasonOf({ response: new Uint8Array(0) })).toBe("malformed");
    expect(reasonOf({ response: Buffer.concat([response, Uint8Array.of(0)]) })).toBe("malformed");
  });
});

test("no bytes make it throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(Object.keys(timestampRefusals)).toContain(reasonOf({ response: bytes }));
    }),
  );
});

test("a changed byte is refused, or changes nothing that is claimed", () => {
  const right = verdict();
  let stillRight = 0;
  for (let at = 0; at < response.length; at++) {
    const changed = Uint8Array.from(response);
    changed[at] = (changed[at] ?? 0) ^ 0x01;
    const found = verdict({ response: changed });
    if (found.kind === "refused") continue;
    stillRight++;
    expect(found).toEqual(right);
  }
  // Version numbers of the envelope say nothing, and the log keeps a token's hash besides.
  expect(stillRight / response.length).toBeLessThan(0.01);
});

test("a byte that is left out is refused", () => {
  for (let at = 0; at < response.length; at++) {
    const shorter = Buffer.concat([response.subarray(0, at), response.subarray(at + 1)]);
    expect(reasonOf({ response: shorter })).not.toBe("verified");
  }
});
