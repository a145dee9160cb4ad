/** A checkpoint as far as the choice needs it; `seq` of each is that of the `anchor` record that names it, `null` without one. */
export type AnchoredCheckpoint = {
  readonly size: number;
  readonly tokens: readonly { readonly seq: number | null }[];
  readonly cosignatures: readonly { readonly seq: number | null }[];
};

/** From the last good look before what is meant to the record that ended it, both counted in. */
export type RecordSpan = { readonly from: number; readonly to: number };

export type BundleRange = {
  /** The first record that goes in. */
  readonly first: number;
  /** How many records the log had at the last checkpoint that goes in. */
  readonly size: number;
  /** Of every checkpoint that goes in, ascending; the last is `size`. */
  readonly sizes: readonly number[];
  /** Whether every record of the span goes in. */
  readonly isWhole: boolean;
};

/**
 * As little as bounds the span in time from both sides: from the last token before it to the first one after it, and
 * the checkpoints between them that have a token. A cosignature stands in where there is no token.
 *
 * @param checkpoints of one epoch, ascending
 * @returns `null` when there is no checkpoint yet
 */
export function selectRange(checkpoints: readonly AnchoredCheckpoint[], span: RecordSpan): BundleRange | null {
  const last = lastOf(checkpoints, span);
  if (last === null) return null;
  const before = beforeSpan(
    checkpoints.filter(({ size }) => size < last.size),
    span,
  );
  const first = before?.size ?? 0;
  // A token that no record names proves nothing of the order: verifiers refuse it anywhere but at the end.
  const isNamed = ({ seq }: { readonly seq: number | null }): boolean => seq !== null && seq < last.size;
  const stamped = checkpoints.filter(({ size, tokens }) => size > first && size < last.size && tokens.some(isNamed));
  const sizes = [...(before === null ? [] : [before]), ...stamped, last].map(({ size }) => size);
  return { first, size: last.size, sizes, isWhole: last.size > span.to };
}

/** What follows the `anchor` record of this one is younger than its token. */
function beforeSpan(checkpoints: readonly AnchoredCheckpoint[], { from }: RecordSpan): AnchoredCheckpoint | null {
  const isBefore = (each: { readonly seq: number | null }): boolean => each.seq !== null && each.seq <= from;
  const withToken = checkpoints.findLast(({ tokens }) => tokens.some(isBefore));
  return withToken ?? checkpoints.findLast(({ cosignatures }) => cosignatures.some(isBefore)) ?? null;
}

function lastOf(checkpoints: readonly AnchoredCheckpoint[], { to }: RecordSpan): AnchoredCheckpoint | null {
  const after = checkpoints.filter(({ size }) => size > to);
  const withToken = after.filter(({ tokens }) => tokens.length > 0);
  return (
    withToken.find(({ cosignatures }) => cosignatures.length > 0) ??
    withToken[0] ??
    after.find(({ cosignatures }) => cosignatures.length > 0) ??
    checkpoints.at(-1) ??
    null
  );
}
