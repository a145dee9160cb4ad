import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type TestCertificate = { readonly key: string; readonly certificate: string };

/** An authority of ours and a server's certificate that it signed; both last a day. */
export type TestAuthority = {
  readonly authority: TestCertificate;
  /** @param names as `subjectAltName` takes them, such as `IP:127.0.0.1` */
  readonly issue: (names: string, days?: number) => TestCertificate;
};

const ecKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

export function makeAuthority(name: string): TestAuthority {
  const authority = inFolder((folder) => {
    const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
    const extensions = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"];
    openssl(
      "req",
      "-x509",
      ...ecKey,
      "-days",
      "1",
      "-subj",
      `/CN=${name}`,
      ...extensions,
      "-keyout",
      key,
      "-out",
      certificate,
    );
    return { key: readFileSync(key, "utf8"), certificate: readFileSync(certificate, "utf8") };
  });
  return { authority, issue: (names, days = 1) => inFolder((folder) => issued(folder, authority, names, days)) };
}

function issued(folder: string, authority: TestCertificate, names: string, days: number): TestCertificate {
  const file = (each: string): string => join(folder, each);
  writeFileSync(file("ca.pem"), authority.certificate);
  writeFileSync(file("ca-key.pem"), authority.key, { mode: 0o600 });
  writeFileSync(file("extensions"), `subjectAltName=${names}\nextendedKeyUsage=serverAuth\n`);
  openssl("req", ...ecKey, "-subj", "/CN=server", "-keyout", file("key.pem"), "-out", file("request.pem"));
  const signing = ["-CA", file("ca.pem"), "-CAkey", file("ca-key.pem"), "-CAcreateserial", "-days", String(days)];
  openssl(
    "x509",
    "-req",
    "-in",
    file("request.pem"),
    ...signing,
    "-extfile",
    file("extensions"),
    "-out",
    file("certificate.pem"),
  );
  return { key: readFileSync(file("key.pem"), "utf8"), certificate: readFileSync(file("certificate.pem"), "utf8") };
}

function openssl(...given: readonly string[]): void {
  execFileSync("openssl", [...given], { stdio: "ignore" });
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "badged-certificates-"));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
