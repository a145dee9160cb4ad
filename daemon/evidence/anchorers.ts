import { counted } from "../base/counted.ts";
import { messageOf } from "../base/errors.ts";
import type { Anchorer, AnchorOutcome, AnchorRequest } from "./anchorer.ts";
import { signedPartHash } from "./note.ts";
import type { AuthorityClient } from "./timestamp/authority-client.ts";
import { timestampRefusals } from "./timestamp/refusal.ts";
import { type WitnessClient, type WitnessOutcome, witnessRefusals } from "./witness/witness-client.ts";

/** Anchors in time: the signed part of a checkpoint gets a timestamp of an RFC 3161 authority. */
export class AuthorityAnchorer implements Anchorer {
  readonly type = "rfc3161";
  readonly #client: Pick<AuthorityClient, "stamp">;
  /** Its address: a token would name its maker, but not every outcome has one. */
  readonly name: string;

  constructor(client: Pick<AuthorityClient, "stamp">, url: string) {
    this.#client = client;
    this.name = new URL(url).host;
  }

  async anchor({ text }: AnchorRequest, signal: AbortSignal): Promise<readonly AnchorOutcome[]> {
    const outcome = await this.#client.stamp(signedPartHash(text), signal);
    switch (outcome.kind) {
      case "verified":
        return [{ kind: "anchored", type: this.type, by: outcome.by, proof: outcome.response }];
      case "refused": {
        const why = `${timestampRefusals[outcome.reason]} (${outcome.detail})`;
        return [{ kind: "failed", by: this.name, why }];
      }
      case "unreachable":
        return [{ kind: "failed", by: this.name, why: `${outcome.cause}: ${outcome.detail}` }];
    }
  }
}

/** Anchors in one history: a witness cosigns the checkpoint, or says that it has seen another one. */
export class WitnessAnchorer implements Anchorer {
  readonly type = "witness";
  readonly #client: Pick<WitnessClient, "cosign">;
  readonly name: string;

  constructor(client: Pick<WitnessClient, "cosign">, name: string) {
    this.#client = client;
    this.name = name;
  }

  async anchor(request: AnchorRequest, signal: AbortSignal): Promise<readonly AnchorOutcome[]> {
    const by = this.name;
    let outcome: WitnessOutcome;
    try {
      outcome = await this.#client.cosign(request, signal);
    } catch (error) {
      // Only our own log can fail here, while it makes a proof: the next occasion finds it again, or closed.
      return [{ kind: "failed", by, why: `no proof could be made: ${messageOf(error)}` }];
    }
    switch (outcome.kind) {
      case "cosigned":
        return [{ kind: "anchored", type: this.type, by, proof: Buffer.from(`${outcome.line}\n`) }];
      case "ahead":
        // Only a note under our own key shows it: a proxy's answer is no reason to begin another log.
        if (!outcome.isProven)
          return [
            { kind: "failed", by, why: `says it has seen ${counted(outcome.size, "record")}, and shows no note` },
          ];
        return [
          outcome.laterEpoch === undefined
            ? { kind: "ahead", by, size: outcome.size }
            : { kind: "ahead", by, size: outcome.size, laterEpoch: outcome.laterEpoch },
        ];
      case "refused":
        return [{ kind: "failed", by, why: `${witnessRefusals[outcome.reason]} (${outcome.detail})` }];
      case "unreachable":
        return [{ kind: "failed", by, why: `${outcome.cause}: ${outcome.detail}` }];
    }
  }
}
