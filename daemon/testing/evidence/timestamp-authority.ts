import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { messageOf } from "../../base/errors.ts";
import { utcSecondsText } from "../../base/system-time.ts";
import type { WallMs } from "../../base/time.ts";
import { derOf, derTag, derUnsigned } from "../../evidence/timestamp/der.ts";
import { fakedTime } from "../faked-time.ts";

export type AuthorityOptions = {
  /** The lines of the certificate's extensions; only `timeStamping` alone and critical is right. */
  readonly extensions?: readonly string[];
  readonly key?: "ec" | "rsa";
  /** From 2020-01-01 on; about a hundred years without it. */
  readonly validDays?: number;
  /** Whether an authority stands between the root and the signer; the token brings it. */
  readonly intermediate?: boolean;
  /** What its clock says; that of this machine without it. Whole seconds. */
  readonly clock?: () => WallMs;
};

export const rightExtensions: readonly string[] = [
  "keyUsage=critical,digitalSignature",
  purpose("critical,timeStamping"),
];
export const authorityPolicy: string = "1.3.6.1.4.1.99999.1";
export const otherAuthorityPolicy: string = "1.3.6.1.4.1.99999.2";

export function purpose(text: string): string {
  return `extendedKeyUsage=${text}`;
}

/** Answers one request in another way than by a right timestamp. */
export type Misbehaviour = (query: Uint8Array, response: ServerResponse) => Promise<void> | void;

/**
 * A real RFC 3161 authority, `openssl ts -reply` behind HTTP on loopback, with a root of its own. It answers one request
 * at a time, since openssl counts serial numbers in a file.
 */
export class TimestampAuthority implements AsyncDisposable {
  readonly #directory: string;
  readonly #options: AuthorityOptions;
  readonly #server: Server;
  #tail: Promise<unknown> = Promise.resolve();

  /** How the next requests are answered; rightly while `null`. */
  misbehaviour: Misbehaviour | null = null;
  requests = 0;

  private constructor(directory: string, options: AuthorityOptions) {
    this.#directory = directory;
    this.#options = options;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async open(options: AuthorityOptions = {}): Promise<TimestampAuthority> {
    const directory = mkdtempSync(join(tmpdir(), "timestamp-authority-"));
    const authority = new TimestampAuthority(directory, options);
    await authority.#makeCertificates();
    authority.#server.listen(0, "127.0.0.1");
    await once(authority.#server, "listening");
    return authority;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/tsa`;
  }

  /** The root alone, which is what a site configures. */
  get caPem(): string {
    return this.#read("root.pem").toString("utf8");
  }

  get caFile(): string {
    return join(this.#directory, "root.pem");
  }

  /** A `TimeStampResp` for a `TimeStampReq`, by `openssl ts -reply`. */
  reply(query: Uint8Array): Promise<Uint8Array> {
    return this.#oneAtATime(async () => {
      this.#write("query.tsq", query);
      await this.#openssl(["ts", "-reply", "-config", "tsa.conf", "-queryfile", "query.tsq", "-out", "answer.tsr"], {
        at: this.#options.clock?.() ?? null,
      });
      return this.#read("answer.tsr");
    });
  }

  /** A response over a digest without a request of a client: 32 bytes of SHA-256. */
  stamp(imprint: Uint8Array): Promise<Uint8Array> {
    return this.#oneAtATime(async () => {
      const digest = Buffer.from(imprint).toString("hex");
      await this.#openssl(["ts", "-query", "-digest", digest, "-sha256", "-cert", "-out", "query.tsq"]);
      await this.#openssl(["ts", "-reply", "-config", "tsa.conf", "-queryfile", "query.tsq", "-out", "answer.tsr"], {
        at: this.#options.clock?.() ?? null,
      });
      return this.#read("answer.tsr");
    });
  }

  /**
   * A right answer, signed again by a certificate of the same root with other `extensions`: `openssl ts` refuses to sign
   * with a certificate that is not for timestamping, `openssl cms` does not look.
   */
  async replyWith(extensions: readonly string[], query: Uint8Array): Promise<Uint8Array> {
    const answer = await this.reply(query);
    return this.#oneAtATime(async () => {
      this.#write("answer.tsr", answer);
      await this.#makeSigner("other", extensions, "root");
      await this.#openssl(["ts", "-reply", "-in", "answer.tsr", "-token_out", "-out", "token.der"]);
      const content = ["-inform", "DER", "-in", "token.der", "-noverify", "-out", "info.der"];
      await this.#openssl(["cms", "-verify", ...content]);
      const signer = ["-signer", "other.pem", "-inkey", "other.key", "-md", "sha256", "-cades", "-nosmimecap"];
      const form = ["-binary", "-nodetach", "-econtent_type", "id-smime-ct-TSTInfo", "-outform", "DER"];
      await this.#openssl(["cms", "-sign", "-in", "info.der", ...signer, ...form, "-out", "other.der"]);
      const granted = derOf(derTag.sequence, derUnsigned(Uint8Array.of(0)));
      return derOf(derTag.sequence, granted, this.#read("other.der"));
    });
  }

  /** What `openssl ts -verify` says of a response over a digest: `null` when it is right, else its words. */
  verdictOfOpenssl(response: Uint8Array, imprint: Uint8Array): Promise<string | null> {
    return this.#oneAtATime(async () => {
      this.#write("verify.tsr", response);
      const digest = Buffer.from(imprint).toString("hex");
      try {
        await this.#openssl(["ts", "-verify", "-in", "verify.tsr", "-digest", digest, "-CAfile", "root.pem"]);
        return null;
      } catch (error) {
        return messageOf(error);
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await this.#tail;
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const query = await buffer(request);
      this.requests++;
      if (this.misbehaviour !== null) return await this.misbehaviour(query, response);
      sendReply(response, await this.reply(query));
    } catch (error) {
      response.writeHead(500, { "content-type": "text/plain" }).end(messageOf(error));
    }
  }

  async #makeCertificates(): Promise<void> {
    const issuer = this.#options.intermediate === true ? "issuing" : "root";
    await this.#makeKey("root");
    const subject = ["-subj", "/O=Test/CN=Test root", "-addext", "keyUsage=critical,keyCertSign,cRLSign"];
    await this.#openssl(
      ["req", "-x509", "-new", "-key", "root.key", "-days", "36500", "-out", "root.pem", ...subject],
      {
        at: longAgo,
      },
    );
    if (issuer !== "root") {
      const authority = ["basicConstraints=critical,CA:true,pathlen:0", "keyUsage=critical,keyCertSign"];
      await this.#makeCertificate("issuing", "Test issuing authority", authority, "root");
    }
    await this.#makeSigner("signer", this.#options.extensions ?? rightExtensions, issuer);
    this.#write("serial", "01\n");
    this.#write("tsa.conf", configuration(issuer === "root" ? [] : ["certs = issuing.pem"]));
  }

  #makeSigner(name: string, extensions: readonly string[], issuer: string): Promise<void> {
    const all = ["basicConstraints=critical,CA:false", "subjectKeyIdentifier=hash", ...extensions];
    return this.#makeCertificate(name, "Test timestamps", all, issuer);
  }

  async #makeCertificate(
    name: string,
    commonName: string,
    extensions: readonly string[],
    issuer: string,
  ): Promise<void> {
    await this.#makeKey(name);
    this.#write(`${name}.ext`, `${extensions.join("\n")}\n`);
    const request = ["-key", `${name}.key`, "-subj", `/O=Test/CN=${commonName}`, "-out", `${name}.csr`];
    await this.#openssl(["req", "-new", ...request]);
    const by = ["-CA", `${issuer}.pem`, "-CAkey", `${issuer}.key`, "-set_serial", `0x${name.length}0${issuer.length}`];
    const days = ["-days", String(this.#options.validDays ?? 36_000), "-extfile", `${name}.ext`, "-out", `${name}.pem`];
    await this.#openssl(["x509", "-req", "-in", `${name}.csr`, ...by, ...days], { at: longAgo });
  }

  async #makeKey(name: string): Promise<void> {
    const kind =
      this.#options.key === "rsa"
        ? ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        : ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    await this.#openssl(["genpkey", ...kind, "-out", `${name}.key`]);
  }

  #oneAtATime<T>(run: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(run);
    this.#tail = done.catch(() => null);
    return done;
  }

  async #openssl(parameters: readonly string[], { at }: { readonly at: WallMs | string | null } = { at: null }) {
    const when = typeof at === "number" ? utcSecondsText(at).replace("T", " ").replace("Z", "") : at;
    const child = spawn("openssl", [...parameters], {
      cwd: this.#directory,
      env: { ...process.env, ...(when === null ? { TZ: "UTC" } : fakedTime(when)) },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (text: Buffer) => (said += text.toString()));
    const [code] = await once(child, "close");
    if (code !== 0) throw new Error(`openssl ${parameters.join(" ")} ended with ${code}: ${said}`);
  }

  #read(name: string): Buffer {
    return readFileSync(join(this.#directory, name));
  }

  #write(name: string, content: Uint8Array | string): void {
    writeFileSync(join(this.#directory, name), content);
  }
}

export function sendReply(response: ServerResponse, reply: Uint8Array): void {
  response.writeHead(200, { "content-type": "application/timestamp-reply" }).end(reply);
}

const longAgo = "2020-01-01 00:00:00";

/** @param more lines of the section */
function configuration(more: readonly string[]): string {
  return `[tsa]
default_tsa = only
[only]
serial = serial
crypto_device = builtin
signer_cert = signer.pem
signer_key = signer.key
signer_digest = sha256
default_policy = ${authorityPolicy}
other_policies = ${otherAuthorityPolicy}
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
${more.join("\n")}
`;
}
