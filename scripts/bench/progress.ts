/** What is under way, for whoever waits: beside the results, so that these can be piped. */
export function sayProgress(words: string): void {
  process.stderr.write(`… ${words}\n`);
}
