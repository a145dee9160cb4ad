import { createPrivateKey, type KeyObject } from "node:crypto";
import { BadgedError } from "../daemon/base/errors.ts";
import { openSecret, readSecret, type SecretFault } from "./secret.ts";

/** What NIST SP 800-131A allows from 2014 on, and what Web Crypto signs with in any time. Bits. */
export const rsaMinBits: number = 2048;

/**
 * The private key in a PEM file, PKCS#8 (`BEGIN PRIVATE KEY`) or PKCS#1 (`BEGIN RSA PRIVATE KEY`).
 *
 * @throws BadgedError as `readSecret` does, and `secret-unsafe` when the file holds no key that can sign with RS256
 */
export function readPrivateKey(path: string): KeyObject {
  const parsed = parsePrivateKey(readSecret(path));
  if (parsed.ok) return parsed.key;
  throw new BadgedError("secret-unsafe", `the private key ${path} ${parsed.fault.message}`, parsed.fault.advice);
}

/** What `readPrivateKey` would refuse; `null` when it would not. */
export function keyFault(path: string): SecretFault | null {
  const opened = openSecret(path);
  if (!opened.ok) return opened.fault;
  const parsed = parsePrivateKey(opened.text);
  return parsed.ok ? null : parsed.fault;
}

type Parsed = { readonly ok: true; readonly key: KeyObject } | { readonly ok: false; readonly fault: SecretFault };

/** No message repeats anything of the file. */
export function parsePrivateKey(pem: string): Parsed {
  const wrong = (message: string, advice: string): Parsed => ({
    ok: false,
    fault: { kind: "unsafe", message, advice },
  });
  if (/BEGIN ENCRYPTED PRIVATE KEY|^Proc-Type:.*ENCRYPTED/m.test(pem)) {
    const advice = "openssl rsa -in OLD -out NEW makes one without, or hand the key over as a credential of systemd";
    return wrong("has a passphrase, which nobody is there to type", advice);
  }
  const key = tryKey(pem);
  if (key === null) {
    const advice = "name the PEM file that begins with BEGIN PRIVATE KEY or BEGIN RSA PRIVATE KEY, not the certificate";
    return wrong("holds no private key in PEM", advice);
  }
  if (key.asymmetricKeyType !== "rsa") {
    return wrong("is no RSA key, and the service takes RS256 only", "make an RSA key and register its public half");
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < rsaMinBits) {
    return wrong(`has ${bits} bits, at least ${rsaMinBits} are safe`, "make a longer key and register its public half");
  }
  return { ok: true, key };
}

function tryKey(pem: string): KeyObject | null {
  try {
    return createPrivateKey({ key: pem, format: "pem" });
  } catch {
    // What OpenSSL says of a file that is no key helps nobody; that it is none is told by the caller.
    return null;
  }
}
