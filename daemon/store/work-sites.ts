import type Sqlite from "better-sqlite3";
import type { WorkSite } from "../scan/scan.ts";
import type { Connection } from "./connection.ts";

/** Places of work, each content once: a scan keeps the place as it was configured when the badge was read. */
export class WorkSites {
  readonly #connection: Connection;
  readonly #find: Sqlite.Statement<[string], number>;
  readonly #insert: Sqlite.Statement<[string]>;
  readonly #content: Sqlite.Statement<[number], string | null>;
  readonly #restore: Sqlite.Statement<[number, string]>;
  /** Content never changes, and a box sees few places in its life. */
  readonly #read: Map<number, WorkSite> = new Map();

  constructor(connection: Connection) {
    this.#connection = connection;
    const { db } = connection;
    this.#find = db.prepare<[string], number>("SELECT id FROM work_sites WHERE content = ?").pluck();
    this.#insert = db.prepare("INSERT INTO work_sites (content) VALUES (?)");
    this.#content = db.prepare<[number], string | null>("SELECT content FROM work_sites WHERE id = ?").pluck();
    this.#restore = db.prepare(
      `INSERT INTO work_sites (id, content) VALUES (?, ?)
      ON CONFLICT (id) DO UPDATE SET content = excluded.content WHERE content IS NULL`,
    );
  }

  /** The id of this content, the same for ever. */
  intern(site: WorkSite): number {
    const content = contentOf(site);
    const known = this.#find.get(content);
    if (known !== undefined) return known;
    return this.#connection.transact(
      () => this.#find.get(content) ?? Number(this.#insert.run(content).lastInsertRowid),
    );
  }

  /** Whether the place is still known: a damaged database may have lost it. */
  isKnown(id: number): boolean {
    return this.read(id) !== null;
  }

  /** `null` for a place that a damaged database lost. */
  read(id: number): WorkSite | null {
    const known = this.#read.get(id);
    if (known !== undefined) return known;
    const content = this.#content.get(id);
    if (typeof content !== "string") return null;
    const site = JSON.parse(content) as WorkSite;
    this.#read.set(id, site);
    return site;
  }

  /** Puts places that a damaged database lost back under the ids that readers already use. */
  restore(places: ReadonlyMap<number, WorkSite>): void {
    this.#connection.transact(() => {
      for (const [id, site] of places) this.#restore.run(id, contentOf(site));
    });
  }
}

/** One text per place: keys in this order whatever the order in the value. */
function contentOf({ place, declarationOfWorks }: WorkSite): string {
  const fields =
    place.kind === "coordinates"
      ? { kind: place.kind, latitude: place.latitude, longitude: place.longitude }
      : {
          kind: place.kind,
          postCode: place.postCode,
          municipalityName: place.municipalityName,
          streetName: place.streetName,
          houseNumber: place.houseNumber,
          boxNumber: place.boxNumber,
        };
  return JSON.stringify({ place: fields, declarationOfWorks });
}
