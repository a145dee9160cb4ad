import { createHash } from "node:crypto";
import { counted } from "../../base/counted.ts";
import type { Time } from "../../base/time.ts";
import type { AnchorRequest } from "../anchorer.ts";
import { type ByteAnswer, exchangeBytes, type TooLong, type Unreachable } from "../byte-exchange.ts";
import { type ClockReading, plausibleBetween } from "../clock-reading.ts";
import { provesConsistency } from "../merkle.ts";
import {
  type Checkpoint,
  cosignedAt,
  isSignedBy,
  type NoteKey,
  noteMaxBytes,
  parseCheckpoint,
  parseNote,
  parseSignatureLine,
} from "../note.ts";
import { addCheckpointBody, addCheckpointPath, parseEpochBody, parseSizeBody } from "./add-checkpoint.ts";

export type WitnessSettings = {
  readonly url: string;
  readonly witness: NoteKey;
  /** The raw key of our own log, which tells whether a head that the witness shows is really ours. */
  readonly logKey: Uint8Array;
  readonly timeoutMs: number;
};

export type WitnessPorts = { readonly time: Time; readonly clock: () => ClockReading };

/** Every reason for which no cosignature came of an answer, in words. */
export const witnessRefusals = {
  "unknown-log": "the witness does not know this box: give whoever runs it the line of `badged evidence identity`",
  forbidden: "the witness does not take this log",
  "other-answer": "the witness answered in a way that the protocol does not know",
  "wrong-cosignature": "the answer carries no valid cosignature of the configured witness",
  "clock-disagrees": "the witness's time is not the time of this box",
  "no-agreement": "the witness names another size each time it is asked",
  "witness-contradicts-itself": "the witness refuses this log, and shows a head that the log extends",
} as const;

/**
 * - `cosigned`: `line` is without its line feed.
 * - `ahead`: the witness has cosigned something of this origin that is not on disk. `isProven` when it showed a checkpoint
 *   with our own signature that says so; otherwise it is the word of the witness. `laterEpoch` is the number of the latest
 *   epoch of this box that it showed, where that is not the one that was asked about.
 */
export type WitnessOutcome =
  | { readonly kind: "cosigned"; readonly line: string; readonly timeSeconds: number }
  | { readonly kind: "ahead"; readonly size: number; readonly isProven: boolean; readonly laterEpoch?: number }
  | { readonly kind: "refused"; readonly reason: keyof typeof witnessRefusals; readonly detail: string }
  | Unreachable;

/** How far a witness's clock may be off: it proves that there is one history, not the time. */
export const witnessClockToleranceMs: number = 300_000;

/** The first answer may name another size than the one we remembered; more than one correction is a witness in disorder. */
const roundsMax = 3;

/** Asks one C2SP witness for cosignatures. */
export class WitnessClient {
  readonly #settings: WitnessSettings;
  readonly #ports: WitnessPorts;
  /** What the witness cosigned last, as far as is known: a wrong one costs a second call. */
  #known: { readonly origin: string; readonly size: number } | null = null;

  constructor(settings: WitnessSettings, ports: WitnessPorts) {
    this.#settings = settings;
    this.#ports = ports;
  }

  /** Never rejects, but for what `request.consistency` rejects with. */
  async cosign(request: AnchorRequest, signal: AbortSignal): Promise<WitnessOutcome> {
    let oldSize = this.#known?.origin === request.origin ? Math.min(this.#known.size, request.size) : 0;
    for (let round = 1; round <= roundsMax; round++) {
      const before = this.#ports.clock();
      const answer = await this.#add(request, oldSize, signal);
      if (answer.kind === "unreachable") return answer;
      if (answer.kind === "too-long") return refused("other-answer", answer.detail);
      if (answer.status === 200) return this.#take(request, answer, before);
      const size = answer.status === 409 ? parseSizeBody(answer.body) : null;
      const isStale = size !== null && size !== oldSize;
      if (isStale && size <= request.size) {
        oldSize = size;
        continue;
      }
      if (answer.status === 409 || (answer.status === 422 && oldSize > 0)) {
        return this.#contradiction(request, size ?? oldSize, signal);
      }
      const epoch = answer.status === 403 ? parseEpochBody(answer.body) : null;
      if (epoch !== null) return this.#closed(request.origin, epoch, answer, signal);
      return refusedBy(answer);
    }
    return refused("no-agreement", `asked ${roundsMax} times`);
  }

  async #add(
    request: AnchorRequest,
    oldSize: number,
    signal: AbortSignal,
  ): Promise<ByteAnswer | TooLong | Unreachable> {
    const proof = await request.consistency(oldSize);
    const body = addCheckpointBody({ oldSize, proof: proof ?? [], note: request.note });
    return this.#exchange("POST", addCheckpointPath, Buffer.from(body), signal);
  }

  #exchange(
    method: "POST" | "GET",
    path: string,
    body: Uint8Array | null,
    signal: AbortSignal,
  ): Promise<ByteAnswer | TooLong | Unreachable> {
    const { url, timeoutMs } = this.#settings;
    const headers = body === null ? {} : { "content-type": "application/octet-stream" };
    return exchangeBytes(
      { method, url: `${url.replace(/\/+$/, "")}${path}`, headers, body, answerMaxBytes: noteMaxBytes, timeoutMs },
      this.#ports.time,
      signal,
    );
  }

  /** A witness may answer with lines of other keys of its own as well. */
  #take({ origin, size, text }: AnchorRequest, { body }: ByteAnswer, before: ClockReading): WitnessOutcome {
    const { witness } = this.#settings;
    for (const line of Buffer.from(body).toString("utf8").split("\n")) {
      if (parseSignatureLine(line) === null) continue;
      const timeSeconds = cosignedAt(text, line, witness);
      if (timeSeconds === null) continue;
      const clock = plausibleBetween(before, this.#ports.clock(), witnessClockToleranceMs);
      const atMs = timeSeconds * 1000;
      if (clock !== null && (atMs + 999 < clock.notBeforeMs || atMs > clock.notAfterMs)) {
        return refused("clock-disagrees", `the cosignature says ${timeSeconds} s since 1970`);
      }
      this.#known = { origin, size };
      return { kind: "cosigned", line, timeSeconds };
    }
    return refused("wrong-cosignature", `of ${witness.name}`);
  }

  /**
   * The witness holds something that the log on disk does not extend. It is asked to show it: a checkpoint with our own
   * signature on it was made by nobody else, and is proof that the log was rolled back.
   */
  async #contradiction(request: AnchorRequest, size: number, signal: AbortSignal): Promise<WitnessOutcome> {
    const head = await this.#shownHead(request.origin, signal);
    if (head !== null && "kind" in head) return head;
    if (head === null) return { kind: "ahead", size, isProven: false };
    if (await extendsHead(request, head)) {
      return refused("witness-contradicts-itself", `its head has ${counted(head.size, "record")}`);
    }
    return { kind: "ahead", size: head.size, isProven: true };
  }

  /** A later epoch of this box has begun, which the log on disk knows nothing of: the box was set back as a whole. */
  async #closed(origin: string, epoch: number, answer: ByteAnswer, signal: AbortSignal): Promise<WitnessOutcome> {
    const [, base = "", own = ""] = /^(.*\/)(\d+)$/.exec(origin) ?? [];
    if (epoch <= Number(own)) return refusedBy(answer);
    const head = await this.#shownHead(`${base}${epoch}`, signal);
    if (head === null) return refusedBy(answer);
    return "kind" in head ? head : { kind: "ahead", size: head.size, isProven: true, laterEpoch: epoch };
  }

  /** The witness's latest note of an origin; `null` when it shows none that is ours and its own. */
  async #shownHead(origin: string, signal: AbortSignal): Promise<Checkpoint | Unreachable | null> {
    const path = `/${createHash("sha256").update(origin).digest("hex")}/checkpoint`;
    const answer = await this.#exchange("GET", path, null, signal);
    if (answer.kind === "unreachable") return answer;
    return answer.kind === "answered" && answer.status === 200 ? this.#head(origin, answer.body) : null;
  }

  /** `null` unless it carries the signature of our own log and the witness's cosignature. */
  #head(origin: string, body: Uint8Array): Checkpoint | null {
    const { witness, logKey } = this.#settings;
    const note = parseNote(body);
    const checkpoint = note === null ? null : parseCheckpoint(note.text);
    if (note === null || checkpoint?.origin !== origin) return null;
    if (!isSignedBy(note, { name: origin, publicKey: logKey })) return null;
    return note.signatures.some(({ line }) => cosignedAt(note.text, line, witness) !== null) ? checkpoint : null;
  }
}

async function extendsHead(request: AnchorRequest, head: Checkpoint): Promise<boolean> {
  const own = parseCheckpoint(request.text);
  if (own === null || head.size > own.size) return false;
  const proof = await request.consistency(head.size);
  if (proof === null) return false;
  return provesConsistency({ oldSize: head.size, oldRoot: head.root, size: own.size, root: own.root, proof });
}

function refusedBy({ status, body }: ByteAnswer): WitnessOutcome {
  const said = Buffer.from(body.subarray(0, 200))
    .toString("utf8")
    .replace(/\p{Cc}+/gu, " ")
    .trim();
  const detail = `HTTP ${status}${said === "" ? "" : `, ${said}`}`;
  if (status === 404) return refused("unknown-log", detail);
  return refused(status === 403 ? "forbidden" : "other-answer", detail);
}

function refused(reason: keyof typeof witnessRefusals, detail: string): WitnessOutcome {
  return { kind: "refused", reason, detail };
}
