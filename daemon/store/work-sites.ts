import type Sqlite from "better-sqlite3";
import { present } from "../base/assert.ts";
import type { WorkSite } from "../scan/scan.ts";
import type { Connection } from "./connection.ts";

/** Places of work, each content once: a scan keeps the place as it was configured when the badge was read. */
export class WorkSites {
  readonly #connection: Connection;
  readonly #find: Sqlite.Statement<[string], number>;
  readonly #insert: Sqlite.Statement<[string]>;
  readonly #content: Sqlite.Statement<[number], string | null>;
  /** Content never changes, and a box sees few places in its life. */
  readonly #read: Map<number, WorkSite> = new Map();

  constructor(connection: Connection) {
    this.#connection = connection;
    const { db } = connection;
    this.#find = db.prepare<[string], number>("SELECT id FROM work_sites WHERE content = ?").pluck();
    this.#insert = db.prepare("INSERT INTO work_sites (content) VALUES (?)");
    this.#content = db.prepare<[number], string | null>("SELECT content FROM work_sites WHERE id = ?").pluck();
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
    return typeof this.#content.get(id) === "string";
  }

  read(id: number): WorkSite {
    const known = this.#read.get(id);
    if (known !== undefined) return known;
    const site = JSON.parse(present(this.#content.get(id), "a scan that is sent has a place of work")) as WorkSite;
    this.#read.set(id, site);
    return site;
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
