/**
 * What a reader sent that is no badge. Some readers say every few seconds that they are there, which the frame's pattern
 * rejects. That is told from badges that cannot be read by two things: the same text came before a badge was read, and it is
 * one text. Badges of which the pattern rejects half are many. A text that says that a read failed is of a badge, each time.
 */
export type Rejects = {
  /** Frames since the last badge. */
  readonly frames: number;
  /** Their texts, as far as they have one, each with how often it came; at most `textsMax`. */
  readonly texts: ReadonlyMap<string, number>;
  /** Texts that came before the last badge, the latest last; at most `textsMax`. */
  readonly earlier: ReadonlySet<string>;
};

export const noRejects: Rejects = { frames: 0, texts: new Map(), earlier: new Set() };

/** A reader has one such text, or a few; more are badges. */
export const textsMax: number = 64;

/**
 * What scanners send where they could not read: NOREAD, NO LABEL and BADCODE (Microscan), NR (Honeywell), NO-READ (Rockwell),
 * ERROR, FAIL, or a question mark. Behind a prefix too, for that stands in front of all that a scanner sends. But
 * `ERR=0` says that none failed, and `READER NR 12` which reader it is.
 */
const failedRead =
  /(?<![a-z])(?:no[ _-]?(?:read|label|code)|nr(?![^a-z]*\d)|bad[ _-]?(?:read|code)|(?<!no[ _-])err(?:or)?|fail(?:ed|ure)?|\?)(?![^a-z1-9]*0[^a-z1-9]*$)[^a-z]*$/i;

/** Longer texts are not searched: such a message has 64 characters at most, and a prefix in front. */
const failedReadMaxChars = 128;

/** @param text `null` for what is no text: noise may be the same again and again, and so may badges on a wrong line */
export function rejected({ frames, texts, earlier }: Rejects, text: string | null): Rejects {
  const isOfReader = text !== null && !(text.length <= failedReadMaxChars && failedRead.test(text));
  const isKept = isOfReader && (texts.size < textsMax || texts.has(text));
  return {
    frames: frames + 1,
    texts: isKept ? new Map([...texts, [text, (texts.get(text) ?? 0) + 1]]) : texts,
    earlier,
  };
}

export function badgeRead({ frames, texts, earlier }: Rejects): Rejects {
  if (frames === 0) return { frames, texts, earlier };
  const before = [...earlier].filter((text) => !texts.has(text));
  return { ...noRejects, earlier: new Set([...before, ...texts.keys()].slice(-textsMax)) };
}

/** Frames since the last badge that may have been badges: without the one text that came most often, where it is not new. */
export function badSinceBadge({ frames, texts, earlier }: Rejects): number {
  const usual = [...texts].filter(([text]) => earlier.has(text)).map(([, times]) => times);
  return frames - Math.max(0, ...usual);
}
