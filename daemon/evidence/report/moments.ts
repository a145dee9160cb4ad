import type { Anchored } from "../verify/anchors.ts";
import { parseNote } from "../verify/checkpoint-note.ts";
import { anchorRecordOf, parseLine } from "../verify/log-line.ts";
import { type ProvenMoment, readTokens, type TokenVerifier } from "../verify/time-bounds.ts";
import { sha256 } from "../verify/tree.ts";

/**
 * The moments that the tokens of some checkpoints prove, and the lines that name them. A token that does not verify proves
 * nothing here; that something is wrong with it is for the verifier of the bundle to say.
 */
export function momentsOf(
  lines: Iterable<string>,
  checkpoints: readonly { readonly note: string; readonly tokens: readonly Uint8Array[] }[],
  verifyToken: TokenVerifier,
): readonly ProvenMoment[] {
  const namedAt = new Map<string, number>();
  for (const text of lines) {
    // Samples are the most by far, and the text of the others is enough to tell which may be an anchor.
    const line = text.includes('"kind":"anchor"') ? parseLine(Buffer.from(text)) : null;
    if (line === null || typeof line === "string" || line.kind === "erased") continue;
    const anchor = line.record.kind === "anchor" ? anchorRecordOf(line.record) : null;
    if (anchor !== null) namedAt.set(anchor.sha256.toString("hex"), anchor.seq);
  }
  const tokens: Anchored[] = [];
  for (const checkpoint of checkpoints) {
    const note = parseNote(Buffer.from(checkpoint.note));
    if (note === null) continue;
    for (const [index, bytes] of checkpoint.tokens.entries()) {
      const anchoredAt = namedAt.get(sha256(bytes).toString("hex")) ?? null;
      tokens.push({ path: `${note.size}.${index + 1}.tsr`, bytes, note, anchoredAt });
    }
  }
  return readTokens(tokens, verifyToken).moments;
}
