import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert } from "../../base/assert.ts";
import { utcText } from "../../base/system-time.ts";
import { type WallMs, wallMs } from "../../base/time.ts";
import { fakedTime } from "../faked-time.ts";

/**
 * A real RFC 3161 authority: `openssl ts -reply` under any clock, by faketime. It is slow (some 50 ms a token), and its
 * tokens are what a verifier meets in the field.
 */
export type TestAuthority = {
  /** What a verifier is told to trust, PEM. */
  readonly caFile: string;
  /** The certificate that signs the tokens, PEM. */
  readonly certificateFile: string;
  /** A `TimeStampResp` in DER whose time is `at`, cut to the second. */
  readonly stamp: (imprint: Uint8Array, at: WallMs) => Buffer;
};

export type AuthorityOptions = {
  readonly name?: string;
  /** What its certificate may be used for, as openssl writes it. */
  readonly extendedKeyUsage?: string;
};

/** 2026-01-01: before every time in a generated log. */
const certifiedAt = wallMs(1_767_225_600_000);

/** `TimeStampReq`: version 1, the imprint with SHA-256, and the certificate wanted in the answer. */
const requestHead = Buffer.from("30390201013031300d060960864801650304020105000420", "hex");
const requestTail = Buffer.from("0101ff", "hex");

export function createTestAuthority(directory: string, options: AuthorityOptions = {}): TestAuthority {
  const { name = "Test Authority", extendedKeyUsage = "critical,timeStamping" } = options;
  mkdirSync(directory, { recursive: true });
  const file = (base: string): string => join(directory, base);
  const configuration = file("openssl.cnf");
  writeFileSync(configuration, configurationText(file("serial"), extendedKeyUsage));
  writeFileSync(file("serial"), "01\n");
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", configuration];
  const at = utcText(certifiedAt);
  openssl(at, [
    ...["req", "-x509", ...newKey, "-keyout", file("ca.key"), "-out", file("ca.pem")],
    ...["-subj", `/CN=${name} CA`, "-days", "3650", "-extensions", "ca"],
  ]);
  openssl(at, ["req", "-new", ...newKey, "-keyout", file("tsa.key"), "-out", file("tsa.csr"), "-subj", `/CN=${name}`]);
  openssl(at, [
    ...["x509", "-req", "-in", file("tsa.csr"), "-CA", file("ca.pem"), "-CAkey", file("ca.key"), "-set_serial", "2"],
    ...["-out", file("tsa.pem"), "-days", "3600", "-extfile", configuration, "-extensions", "authority"],
  ]);
  return {
    caFile: file("ca.pem"),
    certificateFile: file("tsa.pem"),
    stamp(imprint, moment) {
      assert(imprint.length === 32, "an imprint is a SHA-256");
      writeFileSync(file("request.tsq"), Buffer.concat([requestHead, imprint, requestTail]));
      openssl(utcText(moment), [
        ...["ts", "-reply", "-queryfile", file("request.tsq"), "-inkey", file("tsa.key"), "-signer", file("tsa.pem")],
        ...["-config", configuration, "-out", file("response.tsr")],
      ]);
      return readFileSync(file("response.tsr"));
    },
  };
}

function configurationText(serial: string, extendedKeyUsage: string): string {
  return `[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[authority]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = ${extendedKeyUsage}
[tsa]
default_tsa = settings
[settings]
serial = ${serial}
default_policy = 1.3.6.1.4.1.32473.1
digests = sha256
signer_digest = sha256
accuracy = secs:1
clock_precision_digits = 0
ess_cert_id_alg = sha256
`;
}

function openssl(at: string, args: readonly string[]): void {
  const env = { ...process.env, ...fakedTime(`@${at.slice(0, 10)} ${at.slice(11, 19)}`) };
  const { status, stderr, error } = spawnSync("openssl", args, { env, encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${args[0]} failed: ${error?.message ?? stderr}`);
}
