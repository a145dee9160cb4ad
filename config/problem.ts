/** The way to a value in the file: keys and list indices. */
export type Path = readonly (string | number)[];

/** Something wrong, where it begins in the text. */
export type Finding = {
  readonly path: Path;
  readonly start: number;
  readonly message: string;
  /** The disk did not give a file that is named here: nothing that is written is known to be wrong. */
  readonly isBoxFault?: boolean;
};

/** Counted from 1, columns in characters. */
export type Position = { readonly line: number; readonly col: number };

/** One thing a person has to mend. */
export type Problem = Position & {
  /** `readers[1].port`; empty when it is about the whole file. */
  readonly path: string;
  readonly message: string;
  /** The whole line for a person: `file:line:col: path: message`. */
  readonly text: string;
};

export function problem(file: string, { line, col }: Position, path: Path, message: string): Problem {
  const shown = pathText(path);
  const text = `${file}:${line}:${col}: ${shown}${shown === "" ? "" : ": "}${message}`;
  return { line, col, path: shown, message, text };
}

export function pathText(path: Path): string {
  let shown = "";
  for (const step of path) {
    if (typeof step === "number") shown += `[${step}]`;
    else if (/^[A-Za-z_][\w-]{0,63}$/.test(step)) shown += `${shown === "" ? "" : "."}${step}`;
    else shown += `[${quoted(step)}]`;
  }
  return shown;
}

/** Longer values tell a person nothing more. */
const quotedMaxChars = 60;

/** Text of the file as it may be shown on a terminal: on one line, without control characters, cut when it is long. */
export function quoted(text: string): string {
  const cut = text.length > quotedMaxChars ? `${text.slice(0, quotedMaxChars)}…` : text;
  return JSON.stringify(cut).replace(/[\u007f-\u009f\u2028\u2029]/g, "?");
}
