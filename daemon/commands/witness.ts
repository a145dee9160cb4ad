import { BadgedError, type ExitCode, exitCode } from "../base/errors.ts";
import { systemTime } from "../base/system-time.ts";
import { createLog } from "../compose/logging.ts";
import { type NoteKey, verifierKeyText } from "../evidence/note.ts";
import { readTrustFile, requireOnce, trustedBoxes } from "../evidence/witness/trust-list.ts";
import { ensureWitness, findWitness } from "../evidence/witness/witness-identity.ts";
import { WitnessServer } from "../evidence/witness/witness-server.ts";
import { WitnessStore } from "../evidence/witness/witness-store.ts";
import { StopSignals } from "./signals.ts";
import { refuseRootForOthers } from "./store-owner.ts";
import type { Terminal } from "./terminal.ts";

export type WitnessCommand = {
  readonly listen: string;
  readonly store: string;
  readonly name?: string;
  readonly log?: readonly string[];
  readonly trust?: string;
};

/** Runs a witness until SIGTERM or SIGINT. */
export async function runWitness(command: WitnessCommand, terminal: Terminal): Promise<ExitCode> {
  const { host, port } = readAddress(command.listen);
  const named = trustedBoxes((command.log ?? []).map((line) => ({ from: "--log", line })));
  const boxes = requireOnce([...named, ...(command.trust === undefined ? [] : readTrustFile(command.trust))]);
  refuseRootForOthers(command.store, process.geteuid?.(), witnessWay);
  const signer = ensureWitness(command.store, command.name ?? null);
  const log = await createLog("info", terminal.interactive ? "pretty" : "json");
  using signals = new StopSignals();
  {
    using store = WitnessStore.open(command.store, signer);
    await using witness = await WitnessServer.open({ host, port, signer, boxes, store, time: systemTime, log });
    tellKey(signer, terminal);
    if (boxes.length === 0) terminal.err("no box is named yet: give --log or --trust, or it refuses every one");
    log.info({ url: witness.url, boxes: boxes.length, logs: store.logs().length }, "witness listens");
    log.info({ signal: await signals.stopped }, "stopping");
  }
  log.info({}, "stopped");
  return exitCode.ok;
}

function witnessWay(): string {
  return "systemctl start badged-witness; runuser -u badged-witness -- badged witness";
}

export function showWitness(directory: string, json: boolean, terminal: Terminal): ExitCode {
  const witness = findWitness(directory);
  if (json) {
    terminal.out(JSON.stringify({ name: witness.name, key: verifierKeyText(witness, "cosignature") }));
    return exitCode.ok;
  }
  tellKey(witness, terminal);
  return exitCode.ok;
}

/** What a site writes into `evidence.witnesses`, and a verifier gives to `--witness`. */
function tellKey(witness: NoteKey, terminal: Terminal): void {
  terminal.out(`witness  ${witness.name}`);
  terminal.out(`key      ${verifierKeyText(witness, "cosignature")}`);
}

function readAddress(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, portText] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(portText);
  if (host !== undefined && port <= 65_535) return { host, port };
  throw new BadgedError("usage", `--listen: ${text} is no address`, "give host and port, such as 127.0.0.1:8490");
}
