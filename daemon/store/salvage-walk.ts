/** Ids tried one by one behind a damaged place: more than an interior page of the tree leads to. */
export const probeMaxRows = 8192n;

/** Damaged places of one table after which the rest of it is given up. */
export const gapsMax = 10_000;

/** The first id that JavaScript's numbers no longer tell from the next. */
const idEnd = 2n ** 53n;

export type SourceRow = Readonly<Record<string, string | number | bigint | Buffer | null>>;

/** A row, a place where nothing can be read, or the word that all behind here is given up. */
export type Readable =
  | { readonly kind: "row"; readonly row: SourceRow }
  | { readonly kind: "gap" }
  | { readonly kind: "given-up" };

/** Reads of one damaged table. What they yield may be out of order and out of the range that was asked for. */
export type TableReads = {
  /** The row that the tree leads to. */
  readonly at: (id: bigint) => SourceRow | null | "damaged";
  /** The id in front of `id`. */
  readonly before: (id: bigint) => bigint | null | "damaged";
  /** The first id from `id` on. */
  readonly firstFrom: (id: bigint) => bigint | null | "damaged";
  readonly upFrom: (id: bigint) => Iterable<SourceRow | "damaged">;
  readonly idsDownFrom: (id: bigint, floor: bigint) => Iterable<bigint | "damaged">;
};

/** `next` only ever grows; `last` is the row that was read last, `null` when damage may stand between. */
type Place = { next: bigint; last: bigint | null };

/**
 * Every row of a damaged table that can be read, each id once and in the order of ids.
 *
 * A damaged page may hold rows of another page, an old or a misdirected write of a sector: ids too low, ids too high,
 * and cells that are none. So no id is believed for standing where the walk comes by. One that follows the row before
 * it is taken; one that leaves ids out is taken when the tree itself leads to it and has the same row in front of it.
 * Where that fails, ids are looked up one by one, for a look-up by id never leaves the page it belongs to.
 */
export function* walk(table: TableReads): Generator<Readable> {
  const place: Place = { next: 1n, last: null };
  for (let gaps = 1; ; ) {
    const from = place.next;
    if ((yield* readOn(table, place)) === "ended") return;
    if (place.next > from || from === 1n) {
      yield { kind: "gap" };
      gaps += 1;
    }
    if (gaps > gapsMax) {
      yield { kind: "given-up" };
      return;
    }
    if ((yield* searchOn(table, place)) === "ended") return;
  }
}

function* readOn(table: TableReads, place: Place): Generator<Readable, "ended" | "broken"> {
  // A row behind ids that were left out is kept back until the one behind it has an id that fits.
  let held: SourceRow | null = null;
  for (const row of table.upFrom(place.next)) {
    if (row === "damaged") return "broken";
    const id = idOf(row);
    if (held !== null) {
      if (id <= idOf(held)) return "broken";
      yield take(held, place);
      held = null;
    }
    if (id < place.next || id >= idEnd) return "broken";
    if (id === place.next) {
      yield take(row, place);
      continue;
    }
    const there = table.before(id) === place.last ? table.at(id) : null;
    if (there === null || there === "damaged") return "broken";
    held = there;
  }
  if (held !== null) yield take(held, place);
  return "ended";
}

/** Finds the next row behind a damaged place. */
function* searchOn(table: TableReads, place: Place): Generator<Readable, "ended" | "found"> {
  const end = place.next + probeMaxRows;
  while (place.next < end && place.next < idEnd) {
    const row = table.at(place.next);
    if (row !== null && row !== "damaged" && idOf(row) === place.next) {
      yield take(row, place);
      return "found";
    }
    place.next += 1n;
  }
  const start = startBehind(table, place.next);
  if (start === null) return "ended";
  place.next = start;
  place.last = null;
  return "found";
}

/**
 * The least id from `floor` on from which the rows read upwards in order; `null` when there is none. Ids are tried at
 * growing distances from the damage upwards, then from what was found downwards: another damaged page may stand between.
 */
function startBehind(table: TableReads, floor: bigint): bigint | null {
  let least = idEnd;
  for (let reach = 0n; floor + reach < least; reach = further(reach)) {
    const from = floor + reach;
    const first = table.firstFrom(from);
    if (first === "damaged") continue;
    // With nothing from there on, what there still is stands in front of it.
    const top = first === null ? from : first;
    const start = downTo(table, top < least ? top : least - 1n, floor);
    if (start !== null) least = start;
    else if (first === null) break;
  }
  if (least === idEnd) return null;
  for (let reach = 1n; least - reach >= floor; reach = further(reach)) {
    const start = downTo(table, least - reach, floor);
    if (start === null) continue;
    least = start;
    reach = 0n;
  }
  return least;
}

/** By an eighth: a page of rows is wider than the step in front of it. */
function further(reach: bigint): bigint {
  return reach + reach / 8n + 1n;
}

/** From a row that the tree leads to, downwards as far as the rows read in order. */
function downTo(table: TableReads, top: bigint, floor: bigint): bigint | null {
  let least: bigint | null = null;
  for (const id of table.idsDownFrom(top, floor)) {
    if (id === "damaged" || id < floor || id > top || (least !== null && id >= least)) break;
    const follows = least !== null && id === least - 1n;
    const row = follows ? null : table.at(id);
    if (!follows && (row === null || row === "damaged")) break;
    least = id;
  }
  return least;
}

function take(row: SourceRow, place: Place): Readable {
  place.last = idOf(row);
  place.next = place.last + 1n;
  return { kind: "row", row };
}

function idOf(row: SourceRow): bigint {
  return BigInt(row["id"] as bigint);
}
