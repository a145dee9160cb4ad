import type { Anchorer, AnchorOutcome, AnchorRequest } from "../evidence/anchorer.ts";
import { emptyRoot, type Hash, provesConsistency } from "../evidence/merkle.ts";
import { parseCheckpoint, parseNote } from "../evidence/note.ts";
import type { AnchorType } from "../evidence/record.ts";

/**
 * A witness without a network: keeps the last size and root per origin and takes only what extends them. It remembers
 * every checkpoint that ever left the box, so that contradictory ones are found.
 */
export class AnchoringWitness implements Anchorer {
  readonly type: AnchorType;
  readonly name: string;
  readonly seen: AnchorRequest[] = [];
  /** Origin and size whose root came in two forms. */
  readonly contradictions: string[] = [];
  /** Checkpoints that do not extend the last one, though the box claims it. */
  readonly inconsistent: string[] = [];
  isReachable = true;
  readonly #last: Map<string, { readonly size: number; readonly root: Hash }> = new Map();
  readonly #roots: Map<string, string> = new Map();

  constructor(type: AnchorType = "witness") {
    this.type = type;
    this.name = `${type}.example`;
  }

  async anchor(request: AnchorRequest): Promise<readonly AnchorOutcome[]> {
    const by = this.name;
    if (!this.isReachable) return [{ kind: "failed", by, why: "no network" }];
    const checkpoint = parseCheckpoint(parseNote(request.note)?.text ?? "");
    if (checkpoint === null) throw new Error("no checkpoint");
    this.seen.push(request);
    const name = `${checkpoint.origin} ${checkpoint.size}`;
    const root = checkpoint.root.toString("hex");
    if ((this.#roots.get(name) ?? root) !== root) this.contradictions.push(name);
    this.#roots.set(name, root);
    const last = this.#last.get(checkpoint.origin) ?? { size: 0, root: emptyRoot };
    if (last.size > checkpoint.size) return [{ kind: "ahead", by, size: last.size }];
    const proof = await request.consistency(last.size);
    const claim = { oldSize: last.size, oldRoot: last.root, size: checkpoint.size, root: checkpoint.root };
    if (proof === null || !provesConsistency({ ...claim, proof })) this.inconsistent.push(name);
    this.#last.set(checkpoint.origin, { size: checkpoint.size, root: checkpoint.root });
    return [{ kind: "anchored", type: this.type, by, proof: Buffer.from(`${by} ${name}\n`) }];
  }
}
