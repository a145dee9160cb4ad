import { describe, expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { parseUtcText } from "../base/system-time.ts";
import { judgeCertificate } from "./tls-probe.ts";

const certificate = { valid_from: "Mar  1 12:00:00 2026 GMT", valid_to: "Jun 11 12:00:00 2026 GMT" };
const at = (text: string) => present(parseUtcText(text), text);

describe("whose fault a certificate is", () => {
  test.each([
    ["CERT_HAS_EXPIRED", "2026-07-01T00:00:00Z", "bad-certificate"],
    ["CERT_NOT_YET_VALID", "2026-02-01T00:00:00Z", "bad-certificate"],
    ["CERT_HAS_EXPIRED", "2026-05-01T00:00:00Z", "own-tls"],
    ["CERT_NOT_YET_VALID", "2026-05-01T00:00:00Z", "own-tls"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "2026-05-01T00:00:00Z", "bad-certificate"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "2026-05-01T00:00:00Z", "own-tls"],
  ])("%s at %s is %s", (code, now, kind) => {
    expect(judgeCertificate(code, certificate, at(now)).kind).toBe(kind);
  });

  test("without a proven time its dates are held against nobody but us", () => {
    expect(judgeCertificate("CERT_HAS_EXPIRED", certificate, null).kind).toBe("own-tls");
  });
});
