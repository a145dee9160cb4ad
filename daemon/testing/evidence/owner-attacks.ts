import { present } from "../../base/assert.ts";
import { wallMs } from "../../base/time.ts";
import { signedPartHash } from "../../evidence/note.ts";
import type { EvidenceRecord } from "../../evidence/record.ts";
import { addFakeOutage } from "./generated-log.ts";
import { type EvidenceLog, LogBuilder, rolledBack, type Vouchers } from "./log-builder.ts";

/*
 * What somebody does who has the box's key. Numbers, links, tree, checkpoints, proofs, sums and signatures are all made
 * anew; only what others signed cannot be.
 */

export const ownerAttacks = ["edit", "delete", "swap", "insert"] as const;
export type OwnerAttack = (typeof ownerAttacks)[number];

/** @returns `null` where there is nothing to swap with. */
export function attacked(log: EvidenceLog, attack: OwnerAttack, seq: number): EvidenceLog | null {
  const records = [...log.records];
  const record = present(records[seq], "the record is there");
  switch (attack) {
    case "edit":
      records[seq] = { ...record, mono: record.mono + 1 };
      return signedAgain(log, records, 0, seq);
    case "delete":
      records.splice(seq, 1);
      return signedAgain(log, records, -1, seq);
    case "insert":
      records.splice(seq, 0, record);
      return signedAgain(log, records, 1, seq);
    case "swap": {
      const next = records[seq + 1];
      if (next === undefined) return null;
      records.splice(seq, 2, next, record);
      return signedAgain(log, records, 0, seq);
    }
  }
}

/** The log of other records with the tokens and cosignatures of the old one, named by `anchor` records that fit. */
function signedAgain(
  log: EvidenceLog,
  records: readonly EvidenceRecord[],
  shift: number,
  changedAt: number,
): EvidenceLog {
  const [first] = records;
  const builder = new LogBuilder(log.signer, wallMs(first?.wall ?? 0), first?.boot ?? "");
  const moved = new Map(
    log.checkpoints.map((each) => [each.size > changedAt ? each.size + shift : each.size, each] as const),
  );
  const hashes = new Map<number, { readonly size: number; readonly checkpoint: string }>();
  for (const record of records) {
    const anchor = record.kind === "anchor" ? hashes.get(record.data.size) : undefined;
    builder.add(
      record.kind === "anchor" && anchor !== undefined ? { ...record, data: { ...record.data, ...anchor } } : record,
    );
    const old = moved.get(builder.size);
    if (old === undefined) continue;
    const { text } = builder.checkpoint(old.tokens, old.cosignatures);
    hashes.set(old.size, { size: builder.size, checkpoint: signedPartHash(text).toString("hex") });
  }
  return builder.build();
}

/** The log as it was after the anchors of its checkpoint of that place, and a fake outage under a fresh token after it. */
export function forgedFrom(log: EvidenceLog, place: number, vouchers: Vouchers): EvidenceLog {
  const { size, tokens, cosignatures } = present(log.checkpoints[place], "there is such a checkpoint");
  const builder = rolledBack(log, size + tokens.length + cosignatures.length);
  addFakeOutage(builder, { ...vouchers, witnesses: [] }, place, "internet-provider");
  return builder.build();
}
