/** A number of things, for people: `1 scan`, `2 scans`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}
