import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemTime } from "../../base/system-time.ts";
import { type Certificate, readPem } from "./certificate.ts";
import { readAuthority, requireChain } from "./chain.ts";
import { certificatesMax } from "./token.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "badged-chain-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function openssl(...words: readonly string[]): void {
  execFileSync("openssl", words, { cwd: folder, stdio: "ignore" });
}

/** In PEM, made with the key of that name. */
function selfSigned(key: string, subject: string, serial: number): string {
  const form = ["-days", "30", "-out", "made.pem", "-addext", "basicConstraints=critical,CA:TRUE"];
  openssl("req", "-x509", "-new", "-key", key, "-subj", `/CN=${subject}`, "-set_serial", String(serial), ...form);
  return readFileSync(join(folder, "made.pem"), "utf8");
}

test("certificates that all sign each other, as anybody can bring them along, are not gone through in every order", () => {
  for (const key of ["root.key", "theirs.key"]) openssl("genpkey", "-algorithm", "ed25519", "-out", key);
  const authority = readAuthority(selfSigned("root.key", "Root", 1));
  const brought: readonly Certificate[] = Array.from({ length: certificatesMax }, (_, index) =>
    readPem(selfSigned("theirs.key", "Theirs", index + 1)),
  ).flat();
  const [signer] = brought;
  expect(signer).toBeDefined();
  if (signer === undefined) return;
  // There are millions of ways from one to the next, and the event loop, in which badges are stamped, waits for this.
  expect(() => requireChain(signer, brought, authority, systemTime.wallMs())).toThrow("Theirs");
});
