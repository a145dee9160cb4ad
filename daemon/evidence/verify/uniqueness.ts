import { counted } from "../../base/counted.ts";
import type { Anchors } from "./anchors.ts";
import { cosignedAt, isSignedByLog, type Note } from "./checkpoint-note.ts";
import { type Failure, failure, named } from "./failure.ts";
import type { Manifest } from "./manifest.ts";
import type { PublicKey, WitnessKey } from "./public-key.ts";
import { couldNotCheck, notAsked, notVerified, type Verdict, verified } from "./verdict.ts";

export type WitnessQuestion = {
  readonly witnesses: readonly WitnessKey[];
  /** The witness's latest note of the log, where the caller fetched one. */
  readonly head: Note | null;
};

const notProven = "uniqueness not proven: nobody else saw this history, so its owner may have written another one";

/**
 * Whether this is the only history that the witnesses saw.
 *
 * @param lasting ids of the windows that are meant and have not ended in the bundle
 */
export function checkUniqueness(
  { witnesses, head }: WitnessQuestion,
  manifest: Manifest,
  key: PublicKey,
  notes: ReadonlyMap<number, Note>,
  cosignatures: Anchors["cosignatures"],
  lasting: readonly string[],
): Verdict {
  if (witnesses.length === 0 && head === null) return notAsked(notProven);
  const failures: Failure[] = [];
  const because: string[] = [];
  for (const witness of witnesses) {
    const seen = cosignatures
      .filter(({ note }) => note.size === manifest.size)
      .map(({ note, line }) => cosignedAt(note, line, witness))
      .find((each) => each !== null);
    if (seen === undefined) failures.push(failure("witness-missing", witness.name));
    else because.push(`the witness ${witness.name} saw this history and no other up to record ${manifest.size - 1}`);
  }
  if (head === null) return failures.length > 0 ? notVerified(failures) : verified(...because);
  const unusable = whyUnusable(head, manifest, key, witnesses);
  if (unusable !== null) return failures.length > 0 ? notVerified(failures) : couldNotCheck(unusable);
  failures.push(...checkHead(head, manifest, notes, lasting));
  if (failures.length > 0) return notVerified(failures);
  const since = head.size - manifest.size;
  if (since > 0)
    because.push(
      `the witness has seen ${counted(since, "record")} since, which ${since === 1 ? "is" : "are"} not in this bundle`,
    );
  return witnesses.length === 0
    ? couldNotCheck(
        ...because,
        "without --witness nobody knows whose note the head is, and a later one shows no sameness",
      )
    : verified(...because, "the witness's head agrees with the bundle");
}

/** The head is the caller's own file: when it is of another log, the question was wrong, not the bundle. */
function whyUnusable(
  head: Note,
  { origin }: Manifest,
  key: PublicKey,
  witnesses: readonly WitnessKey[],
): string | null {
  if (head.origin !== origin) return "the witness's head is of another log or another epoch of it";
  if (!isSignedByLog(head, key)) return "the witness's head is not signed by the log's key";
  const isCosigned = witnesses.some((witness) =>
    head.signatures.some((line) => cosignedAt(head, line, witness) !== null),
  );
  return witnesses.length === 0 || isCosigned ? null : "the witness's head carries no cosignature of a given witness";
}

function checkHead(
  head: Note,
  { size, checkpoints }: Manifest,
  notes: ReadonlyMap<number, Note>,
  lasting: readonly string[],
): readonly Failure[] {
  if (size > head.size)
    return [failure("witness-saw-less", `the witness has ${head.size} of ${counted(size, "record")}`)];
  const same = checkpoints.map((each) => notes.get(each.size)).find((note) => note?.size === head.size);
  if (same !== undefined && !same.root.equals(head.root)) {
    return [failure("witness-saw-another", `checkpoints/${head.size}.ckpt`)];
  }
  return head.size === size ? [] : lasting.map((id) => failure("window-cut", `window ${named(id)}`));
}
