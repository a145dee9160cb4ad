import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../base/log.ts";
import { systemTime } from "../../base/system-time.ts";
import type { Time } from "../../base/time.ts";
import { type NoteSigner, rawPublicKey } from "../../evidence/note.ts";
import { WitnessServer } from "../../evidence/witness/witness-server.ts";
import { WitnessStore } from "../../evidence/witness/witness-store.ts";
import type { BoxLog } from "./box-log.ts";

export type Said = { readonly status: number; readonly type: string; readonly body: string };

export function newSigner(name: string): NoteSigner {
  const { privateKey } = generateKeyPairSync("ed25519");
  return { name, privateKey, publicKey: rawPublicKey(privateKey) };
}

/** A real witness with a store of its own on disk, on loopback. */
export class WitnessFixture implements AsyncDisposable {
  readonly directory: string;
  readonly signer: NoteSigner;
  store: WitnessStore;
  server: WitnessServer;

  private constructor(directory: string, signer: NoteSigner, store: WitnessStore, server: WitnessServer) {
    this.directory = directory;
    this.signer = signer;
    this.store = store;
    this.server = server;
  }

  static async open(logs: readonly BoxLog[], time: Time = systemTime): Promise<WitnessFixture> {
    const directory = mkdtempSync(join(tmpdir(), "witness-"));
    const signer = newSigner("witness.example");
    const store = WitnessStore.open(directory, signer);
    const boxes = logs.map(({ publicKey }, index) => ({ label: `Box <${index}>`, publicKey }));
    const server = await WitnessServer.open({ host: "127.0.0.1", port: 0, signer, boxes, store, time, log: silentLog });
    return new WitnessFixture(directory, signer, store, server);
  }

  get url(): string {
    return this.server.url;
  }

  async post(body: string | Uint8Array, path = "/add-checkpoint"): Promise<Said> {
    return said(`${this.url}${path}`, { method: "POST", body });
  }

  async get(path: string): Promise<Said> {
    return said(`${this.url}${path}`, { method: "GET", body: null });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    this.store[Symbol.dispose]();
    rmSync(this.directory, { recursive: true });
  }
}

export async function said(
  url: string,
  { method, body }: { readonly method: "GET" | "POST"; readonly body: string | Uint8Array | null },
): Promise<Said> {
  const { request } = await import("undici");
  const answer = await request(url, { method, body });
  const type = String(answer.headers["content-type"] ?? "");
  return { status: answer.statusCode, type, body: await answer.body.text() };
}
