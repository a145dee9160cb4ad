/**
 * Everything that can be wrong with a bundle, each with what it means. The list is closed: a verifier that finds something
 * else has a defect. Codes are for machines and tests, the words for the person who asked.
 */
export const failureWords = {
  "bundle-unreadable": "the bundle cannot be read",
  "bundle-too-large": "the bundle is larger than this verifier takes",
  "path-unsafe": "a file has a name that leaves the bundle, or that no bundle uses",
  "path-twice": "two files of the bundle have the same name",
  "not-a-file": "the bundle holds something that is no file, such as a link",
  "file-missing": "a file is missing",
  "file-unexpected": "a file is there that nothing in the bundle names",
  "sums-malformed": "SHA256SUMS is not what sha256sum writes, or not in order",
  "sum-differs": "a file is not the one that was summed",
  "sums-signature": "SHA256SUMS was not signed by this key",
  "manifest-malformed": "manifest.json does not have its form",
  "key-differs": "the manifest names another key than the one that was given",
  "origin-differs": "a name of the log does not fit its key or its manifest",
  "line-too-long": "a line of the log is too long for a record",
  "line-not-canonical": "a line of the log is not canonical JSON",
  "record-malformed": "a line of the log is no record",
  "reduced-too-early": "a line of the log is reduced to its hashes before any box does that",
  "sequence-broken": "the lines of the log are not in sequence",
  "chain-broken": "a line of the log does not follow from the one before it",
  "log-size-differs": "the log has more or fewer lines than the manifest says",
  "epoch-malformed": "the first line of the log does not begin this log",
  "checkpoint-malformed": "a checkpoint is no signed note",
  "checkpoint-signature": "a checkpoint was not signed by this key",
  "root-differs": "the lines of the log do not have the root of a checkpoint",
  "proof-malformed": "a proof is not a list of hashes",
  "inclusion-wrong": "a line of the log is not proven to be in a checkpoint",
  "consistency-wrong": "a checkpoint is not proven to continue the one before it",
  "anchor-missing": "a token or cosignature is not named by the log",
  "anchor-impossible": "the log names a token or cosignature before it can have existed",
  "anchor-contradicted": "the log names another checkpoint of a size that the bundle has a checkpoint of",
  "cosignature-malformed": "a cosignature is no signature line",
  "token-wrong": "a timestamp does not verify",
  "times-contradict": "two timestamps contradict the order of the log",
  "window-time-contradicted": "the time that a window claims contradicts the timestamps or its samples",
  "witness-missing": "the last checkpoint carries no valid cosignature of a witness",
  "witness-saw-less": "the bundle goes further than what the witness has seen",
  "witness-saw-another": "the witness has seen another history",
  "window-cut": "a window has not ended in the bundle, and the witness has seen more of the log",
  "window-missing": "a window that is meant is not in the log",
  "cause-not-shown": "no sample of a window shows its cause",
  "cause-contradicted": "a sample of a window contradicts its cause",
  "failure-untold": "samples fail, and no window tells of it",
  "exemption-contradicted": "a window claims an exemption that its cause does not have",
} as const;

export type FailureCode = keyof typeof failureWords;

/** What is wrong, and where: a file, a line, a window. `detail` holds no text of the bundle that was not checked. */
export type Failure = { readonly code: FailureCode; readonly where: string; readonly detail: string | null };

export function failure(code: FailureCode, where: string, detail: string | null = null): Failure {
  return { code, where, detail };
}

export function failureText({ code, where, detail }: Failure): string {
  return `${failureWords[code]}: ${printable(where)}${detail === null ? "" : ` (${printable(detail)})`}`;
}

const printedMax = 200;

/**
 * Names come out of a file of somebody else: nothing in them may steer the terminal that shows them, begin a line, or be
 * read from right to left.
 */
export function printable(text: string): string {
  const shown = text.length > printedMax ? `${text.slice(0, printedMax)}…` : text;
  return shown.replaceAll(/[^ -~\p{Script=Latin}–—…‘’“”«»°]/gu, "?");
}

const namedMax = 80;

/**
 * The id of a window, a cause, an origin: those of a box have no space in them, and what has could look like another line of
 * the answer where the terminal breaks it.
 */
export function named(text: string): string {
  return printable(text.slice(0, namedMax)).replaceAll(" ", "_");
}
