import { mayBeOf, type ToldSsin, wholeSsin } from "./told-ssin.ts";

/** What an item of an answer repeats of the one it is about; `null` for what it does not. */
export type ItemEcho = {
  readonly ssin: ToldSsin | null;
  /** UTC, whole seconds, as sent. */
  readonly registrationDate: string | null;
  readonly type: string | null;
};

/** What was sent. An SSIN is there once at most: a call carries one scan of a worker. */
export type SentItem = { readonly [name in keyof ItemEcho]: string };

/**
 * For each item sent, the place of its item in the answer, or `null` where that cannot be told. The order of an answer is
 * not documented, so place counts only when there are as many items as were sent and none says that it is about another.
 */
export function matchItems(echoes: readonly ItemEcho[], sent: readonly SentItem[]): readonly (number | null)[] {
  const isInOrder =
    echoes.length === sent.length &&
    echoes.every((echo, place) => {
      const item = sent[place];
      return item !== undefined && agrees(echo, item);
    });
  if (isInOrder) return sent.map((_, place) => place);
  const bySsin = new Map(sent.map((item, index) => [item.ssin, index]));
  const places: (number | null)[] = sent.map(() => null);
  const contested = new Set<number>();
  for (const [place, echo] of echoes.entries()) {
    const index = indexOf(echo, sent, bySsin);
    if (index === null) continue;
    if (places[index] !== null) contested.add(index);
    places[index] = place;
  }
  return places.map((place, index) => (contested.has(index) ? null : place));
}

function indexOf(echo: ItemEcho, sent: readonly SentItem[], bySsin: ReadonlyMap<string, number>): number | null {
  // A number hidden in part rules others out, and by itself points at nobody.
  const ssin = wholeSsin(echo.ssin);
  const isBlank = ssin === null && echo.registrationDate === null && echo.type === null;
  if (isBlank) return null;
  if (ssin !== null) {
    const index = bySsin.get(ssin);
    const item = index === undefined ? undefined : sent[index];
    return index !== undefined && item !== undefined && agrees(echo, item) ? index : null;
  }
  const candidates = sent.flatMap((item, index) => (agrees(echo, item) ? [index] : []));
  return candidates.length === 1 ? (candidates[0] ?? null) : null;
}

function agrees(echo: ItemEcho, item: SentItem): boolean {
  return (
    mayBeOf(echo.ssin, item.ssin) &&
    (echo.registrationDate === null || echo.registrationDate === item.registrationDate) &&
    (echo.type === null || echo.type === item.type)
  );
}
