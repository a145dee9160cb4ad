import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, isIP } from "node:net";
import { assert } from "../../base/assert.ts";
import { BadgedError, messageOf, systemCode } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Time } from "../../base/time.ts";
import { cosign, type NoteSigner, withSignature } from "../note.ts";
import {
  addCheckpointPath,
  epochBody,
  parseAddCheckpoint,
  requestMaxBytes,
  sizeBody,
  sizeContentType,
} from "./add-checkpoint.ts";
import { judge, refusalStatus, type TrustedBox, type WitnessJudgement } from "./judgement.ts";
import { witnessPage, witnessReport } from "./witness-page.ts";
import type { WitnessedLog, WitnessStore } from "./witness-store.ts";

export const connectionsMax = 64;
export const requestTimeoutMs: number = 10_000;
/** Until answers under way are cut off at a stop. */
export const stopWithinMs: number = 3_000;
const headMaxBytes = 8 * 1024;

export type WitnessOptions = {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly signer: NoteSigner;
  readonly boxes: readonly TrustedBox[];
  readonly store: WitnessStore;
  readonly time: Time;
  readonly log: Log;
};

type Reply = { readonly status: number; readonly type: string; readonly body: string };

/**
 * A witness of C2SP tlog-witness over HTTP, for somebody who is not the owner of the boxes. It remembers what it saw and
 * cosigns only what extends it; the memory is on disk before a cosignature leaves.
 */
export class WitnessServer implements AsyncDisposable {
  readonly #options: WitnessOptions;
  readonly #server: Server;

  private constructor(options: WitnessOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        maxHeaderSize: headMaxBytes,
        headersTimeout: requestTimeoutMs,
        requestTimeout: requestTimeoutMs,
        connectionsCheckingInterval: 1_000,
        keepAliveTimeout: 5_000,
      },
      (request, response) => this.#answer(request, response),
    );
    this.#server.maxConnections = connectionsMax;
  }

  /** @throws BadgedError `address-in-use` */
  static async open(options: WitnessOptions): Promise<WitnessServer> {
    const witness = new WitnessServer(options);
    const { host, port } = options;
    try {
      witness.#server.listen(port, host);
      await once(witness.#server, "listening");
    } catch (error) {
      throw new BadgedError(
        "address-in-use",
        `the witness cannot listen on ${host}:${port}: ${messageOf(error)}`,
        systemCode(error) === "EADDRINUSE" ? "choose another port" : "name an address of this machine and a free port",
        { cause: error },
      );
    }
    return witness;
  }

  get url(): string {
    const address: AddressInfo | string | null = this.#server.address();
    assert(typeof address === "object" && address !== null, "a TCP server that listens has an address and a port");
    const host = isIP(address.address) === 6 ? `[${address.address}]` : address.address;
    return `http://${host}:${address.port}`;
  }

  /** What is being answered is answered; what is still being sent to us is not waited for longer than a moment. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeIdleConnections();
    using _deadline = this.#options.time.after(stopWithinMs, () => this.#server.closeAllConnections());
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= requestMaxBytes) chunks.push(chunk);
      else if (!response.headersSent) {
        // What is still on its way is not read, so the connection cannot be used again.
        response.setHeader("connection", "close");
        send(response, words(413, `a request has at most ${requestMaxBytes} bytes`));
        request.destroy();
      }
    });
    request.on("end", () => {
      if (!response.headersSent) send(response, this.#safeReply(request, Buffer.concat(chunks)));
    });
    request.on("error", (error) => this.#options.log.debug({ error: messageOf(error) }, "request broken off"));
  }

  #safeReply(request: IncomingMessage, body: Uint8Array): Reply {
    try {
      return this.#reply(request.method ?? "", request.url ?? "", body);
    } catch (error) {
      // A disk that is full or broken: nothing was promised, and the box asks again.
      this.#options.log.error({ error: messageOf(error) }, "request could not be answered");
      return words(500, "the witness cannot do its work");
    }
  }

  #reply(method: string, target: string, body: Uint8Array): Reply {
    const path = target.replace(/\?.*$/s, "");
    if (path === addCheckpointPath) return method === "POST" ? this.#addCheckpoint(body) : words(405, "use POST");
    if (method !== "GET" && method !== "HEAD") return words(405, "use GET");
    const { store, boxes, signer } = this.#options;
    if (path === "/logs") return { status: 200, type: "application/json", body: witnessReport(signer, boxes, store) };
    if (path === "/") return { status: 200, type: "text/html; charset=utf-8", body: witnessPage(signer, boxes, store) };
    const log = this.#findByPath(path);
    return log === null
      ? words(404, "there is no such log")
      : { status: 200, type: "text/plain; charset=utf-8", body: log.note };
  }

  /** `/<origin>/checkpoint`, or as C2SP has it `/<SHA-256 of the origin in hex>/checkpoint`. */
  #findByPath(path: string): WitnessedLog | null {
    const [, name] = /^\/(.+)\/checkpoint$/.exec(path) ?? [];
    if (name === undefined) return null;
    const { store } = this.#options;
    return store.find(name) ?? store.logs().find(({ origin }) => originHash(origin) === name) ?? null;
  }

  /** One step without a pause in it: between judging and keeping nothing else can be cosigned. */
  #addCheckpoint(body: Uint8Array): Reply {
    const { store, boxes, signer, time, log } = this.#options;
    const request = parseAddCheckpoint(body);
    if (request === null) return words(400, "this is not a request to add a checkpoint");
    const judgement = judge(request, boxes, store);
    const seconds = Math.floor(time.wallMs() / 1000);
    if (judgement.kind === "refuse") {
      this.#noteRefusal(judgement, request.note, seconds);
      const { reason, size, epoch, words: text } = judgement;
      if (size !== null) return { status: refusalStatus[reason], type: sizeContentType, body: sizeBody(size) };
      if (epoch !== null) return { ...words(refusalStatus[reason], text), body: epochBody(epoch) };
      return words(refusalStatus[reason], text);
    }
    const { head, note, text, box } = judgement;
    const isNewEpoch = store.find(head.checkpoint.origin) === null;
    const line = cosign(text, seconds, signer);
    // Only the signature that was verified: others that came along are nobody's word.
    const signed = note.signatures.find(({ name }) => name === head.checkpoint.origin);
    assert(signed !== undefined, "a checkpoint is judged by the signature of its box");
    store.keep(head, withSignature(`${text}\n${signed.line}\n`, line), seconds);
    const { origin, size } = head.checkpoint;
    if (isNewEpoch) log.warn({ origin, size, box: box.label, epoch: head.epoch }, "new epoch begun");
    log.debug({ origin, size }, "checkpoint cosigned");
    return { status: 200, type: "text/plain; charset=utf-8", body: `${line}\n` };
  }

  #noteRefusal(refusal: Extract<WitnessJudgement, { kind: "refuse" }>, note: string, seconds: number): void {
    const { reason, origin, box } = refusal;
    if (reason === "other-size") return;
    this.#options.log.warn({ reason, origin, box: box?.label ?? null }, "checkpoint refused");
    if (origin === null || (reason !== "not-an-extension" && reason !== "other-root")) return;
    this.#options.store.keepContradiction({ origin, reason, seconds, note });
  }
}

export function originHash(origin: string): string {
  return createHash("sha256").update(origin).digest("hex");
}

function words(status: number, text: string): Reply {
  return { status, type: "text/plain; charset=utf-8", body: `${text}\n` };
}

function send(response: ServerResponse, { status, type, body }: Reply): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
  });
  response.end(body);
}
