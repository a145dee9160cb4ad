import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { AuthoritySettings, EvidenceSettings, WitnessSettings } from "../../config/configuration.ts";
import { pathText } from "../../config/problem.ts";
import { present } from "../base/assert.ts";
import { BadgedError, isBoxFault, messageOf } from "../base/errors.ts";
import type { Time } from "../base/time.ts";
import type { Anchorer } from "../evidence/anchorer.ts";
import { AuthorityAnchorer, WitnessAnchorer } from "../evidence/anchorers.ts";
import { exchangeTimeoutMs } from "../evidence/byte-exchange.ts";
import type { ClockReading } from "../evidence/clock-reading.ts";
import { parseVerifierKey } from "../evidence/note.ts";
import { AuthorityClient } from "../evidence/timestamp/authority-client.ts";
import { authorityFault } from "../evidence/timestamp/chain.ts";
import { WitnessClient } from "../evidence/witness/witness-client.ts";

export type AnchorerPorts = { readonly time: Time; readonly clock: () => ClockReading };

/** A setting that nothing can be anchored with: where it stands, what is wrong and what to do. */
export type AnchorerFault = {
  readonly code: "configuration-invalid" | "configuration-unreadable" | "disk-failed";
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly advice: string;
};

/** Everything that is wrong with the settings of those who are asked; badged does not start with any of it. */
export function anchorerFaults({
  authority,
  witnesses,
}: Pick<EvidenceSettings, "authority" | "witnesses">): readonly AnchorerFault[] {
  const ofAuthority = authority === null ? null : authoritySettingsFault(authority);
  return [
    ...(ofAuthority === null ? [] : [ofAuthority]),
    ...witnesses.flatMap((each, at) => witnessFault(each, at) ?? []),
  ];
}

/**
 * Whoever is asked to anchor the log of this site: the authority, and each witness.
 *
 * @param logKey the raw public key of the log
 * @throws BadgedError `configuration-invalid`, `configuration-unreadable`, `disk-failed`: better now than when no token verifies
 */
export function composeAnchorers(
  settings: Pick<EvidenceSettings, "authority" | "witnesses">,
  logKey: Uint8Array,
  ports: AnchorerPorts,
): readonly Anchorer[] {
  const { authority, witnesses } = settings;
  const [fault] = anchorerFaults(settings);
  if (fault !== undefined) {
    throw new BadgedError(fault.code, `${pathText(fault.path)}: ${fault.message}`, fault.advice);
  }
  return [
    ...(authority === null ? [] : [composeAuthority(authority, ports)]),
    ...witnesses.map((witness) => composeWitness(witness, logKey, ports)),
  ];
}

function composeAuthority({ url, policy, ca }: AuthoritySettings, ports: AnchorerPorts): Anchorer {
  const caPem = readFileSync(ca, "utf8");
  const client = new AuthorityClient({ url, caPem, policy, timeoutMs: exchangeTimeoutMs }, { ...ports, randomBytes });
  return new AuthorityAnchorer(client, url);
}

function composeWitness({ url, key }: WitnessSettings, logKey: Uint8Array, ports: AnchorerPorts): Anchorer {
  const witness = present(parseVerifierKey(key, "cosignature"), "the key of a witness was looked at before");
  const client = new WitnessClient({ url, witness, logKey, timeoutMs: exchangeTimeoutMs }, ports);
  return new WitnessAnchorer(client, witness.name);
}

function authoritySettingsFault({ ca }: AuthoritySettings): AnchorerFault | null {
  const path = ["evidence", "authority", "ca"];
  let caPem: string;
  try {
    caPem = readFileSync(ca, "utf8");
  } catch (error) {
    return {
      code: isBoxFault(error) ? "disk-failed" : "configuration-unreadable",
      path,
      message: messageOf(error),
      advice: "let the user that badged runs as read the file, or correct the path",
    };
  }
  const fault = authorityFault(caPem);
  if (fault === null) return null;
  return {
    code: "configuration-invalid",
    path,
    message: `${ca} cannot be what tokens are checked against: ${fault}`,
    advice: "put the root certificate of the authority there in PEM, and those between it and the authority behind it",
  };
}

function witnessFault({ key }: WitnessSettings, index: number): AnchorerFault | null {
  if (parseVerifierKey(key, "cosignature") !== null) return null;
  return {
    code: "configuration-invalid",
    path: ["evidence", "witnesses", index, "key"],
    message: `${key} is no key of a witness: its parts do not belong together`,
    advice: "copy it again from what `badged witness identity` prints",
  };
}
