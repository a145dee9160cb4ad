import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { AuthoritySettings, EvidenceSettings, WitnessSettings } from "../config/configuration.ts";
import { BadgedError, messageOf } from "./base/errors.ts";
import type { Time } from "./base/time.ts";
import type { Anchorer } from "./evidence/anchorer.ts";
import { AuthorityAnchorer, WitnessAnchorer } from "./evidence/anchorers.ts";
import { exchangeTimeoutMs } from "./evidence/byte-exchange.ts";
import type { ClockReading } from "./evidence/clock-reading.ts";
import { parseVerifierKey } from "./evidence/note.ts";
import { AuthorityClient } from "./evidence/timestamp/authority-client.ts";
import { authorityFault } from "./evidence/timestamp/chain.ts";
import { WitnessClient } from "./evidence/witness/witness-client.ts";

export type AnchorerPorts = { readonly time: Time; readonly clock: () => ClockReading };

/**
 * Whoever is asked to anchor the log of this site: the authority, and each witness.
 *
 * @param logKey the raw public key of the log
 * @throws BadgedError `configuration-invalid`, `configuration-unreadable`: better now than when no token verifies
 */
export function composeAnchorers(
  { authority, witnesses }: Pick<EvidenceSettings, "authority" | "witnesses">,
  logKey: Uint8Array,
  ports: AnchorerPorts,
): readonly Anchorer[] {
  return [
    ...(authority === null ? [] : [composeAuthority(authority, ports)]),
    ...witnesses.map((witness) => composeWitness(witness, logKey, ports)),
  ];
}

function composeAuthority({ url, policy, ca }: AuthoritySettings, ports: AnchorerPorts): Anchorer {
  const caPem = readCertificates(ca);
  const fault = authorityFault(caPem);
  if (fault !== null) {
    throw new BadgedError(
      "configuration-invalid",
      `evidence.authority.ca: ${ca} cannot be what tokens are checked against: ${fault}`,
      "put the root certificate of the authority there in PEM, and those between it and the authority behind it",
    );
  }
  const client = new AuthorityClient({ url, caPem, policy, timeoutMs: exchangeTimeoutMs }, { ...ports, randomBytes });
  return new AuthorityAnchorer(client, url);
}

function composeWitness({ url, key }: WitnessSettings, logKey: Uint8Array, ports: AnchorerPorts): Anchorer {
  const witness = parseVerifierKey(key, "cosignature");
  if (witness === null) {
    throw new BadgedError(
      "configuration-invalid",
      `evidence.witnesses: ${key} is no key of a witness: its parts do not belong together`,
      "copy it again from what `badged witness identity` prints",
    );
  }
  return new WitnessAnchorer(
    new WitnessClient({ url, witness, logKey, timeoutMs: exchangeTimeoutMs }, ports),
    witness.name,
  );
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new BadgedError(
      "configuration-unreadable",
      `evidence.authority.ca: ${messageOf(error)}`,
      "let the user that badged runs as read the file, or correct the path",
      { cause: error },
    );
  }
}
