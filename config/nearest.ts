/** The known word that a person most likely meant; `null` when none is near enough to be worth a guess. */
export function nearest(written: string, known: readonly string[]): string | null {
  const plain = plainly(written);
  if (plain === "" || plain.length > comparedMaxChars) return null;
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.ceil(plain.length / 3)) + 1;
  for (const word of known) {
    const distance = editDistance(plain, plainly(word));
    if (distance < bestDistance) {
      best = word;
      bestDistance = distance;
    }
  }
  return best;
}

/** Longer than any known word, so that a pasted block of text is not compared with all of them. */
export const comparedMaxChars: number = 64;

/** People mix `timeZone`, `time_zone` and `Time-Zone`; these are no mistakes in spelling. */
function plainly(word: string): string {
  return word.toLowerCase().replace(/[\s_-]/g, "");
}

/** Letters added, left out, replaced, or swapped with their neighbour (Damerau–Levenshtein, optimal string alignment). */
export function editDistance(left: string, right: string): number {
  let beforePrevious: readonly number[] = [];
  let previous: readonly number[] = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1];
      let distance = Math.min(
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        at(previous, column - 1) + (same ? 0 : 1),
      );
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (row > 1 && column > 1 && swapped) distance = Math.min(distance, at(beforePrevious, column - 2) + 1);
      current.push(distance);
    }
    beforePrevious = previous;
    previous = current;
  }
  return at(previous, right.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
