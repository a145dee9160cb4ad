import type Sqlite from "better-sqlite3";
import { wallMs } from "../base/time.ts";
import { inBeforeOutMs, type ScanFacts, warningsOf } from "../forward/ciao/prevention.ts";
import type { ScanWarnings, WarnedSlice } from "../forward/scan-warnings.ts";
import type { Employer } from "../scan/roster.ts";
import type { Direction, ScanState } from "../scan/scan.ts";
import type { Connection } from "./connection.ts";
import { utcColumn } from "./stamp-columns.ts";
import type { WorkSites } from "./work-sites.ts";

/** Scans that one slice looks at: about 5 ms, for a badge waits meanwhile. */
export const warnSliceRows = 200;

/** Scans of one worker that are looked back at: more than he makes in a day. */
const earlierMax = 50;

type FactsRow = {
  readonly scanId: number;
  readonly previousId: number | null;
  readonly ssin: string;
  readonly employerKind: Employer["kind"];
  readonly employerNumber: string;
  readonly validFrom: string | null;
  readonly validUntil: string | null;
  readonly direction: Direction;
  readonly utcMs: number;
  readonly workSiteId: number;
};

type EarlierRow = {
  readonly previousId: number | null;
  readonly direction: Direction | null;
  readonly utcMs: number;
  readonly state: ScanState;
};

const selectFacts = `SELECT s.id AS scanId, s.previous_id AS previousId, w.ssin, e.employer_kind AS employerKind,
  e.employer_number AS employerNumber, e.valid_from AS validFrom, e.valid_until AS validUntil, s.direction,
  ${utcColumn("s")} AS utcMs, s.work_site_id AS workSiteId
  FROM scans s JOIN roster_entries e ON e.id = s.roster_entry_id JOIN workers w ON w.id = s.worker_id`;

/** What can be foreseen of stored scans. The national number is looked at here, and leaves in no answer. */
export class WarningTable {
  readonly #sites: WorkSites;
  readonly #facts: Sqlite.Statement<[number], FactsRow>;
  readonly #after: Sqlite.Statement<[number, number], number>;
  readonly #newest: Sqlite.Statement<[], number | null>;
  readonly #earlier: Sqlite.Statement<[number], EarlierRow>;

  constructor({ db }: Connection, sites: WorkSites) {
    this.#sites = sites;
    this.#facts = db.prepare(`${selectFacts} WHERE s.id = +? AND s.state <> 'double' AND s.direction IS NOT NULL`);
    this.#after = db.prepare<[number, number], number>("SELECT id FROM scans WHERE id > ? ORDER BY id LIMIT ?").pluck();
    this.#newest = db.prepare<[], number | null>("SELECT max(id) FROM scans").pluck();
    this.#earlier = db.prepare(
      `SELECT s.previous_id AS previousId, s.direction, ${utcColumn("s")} AS utcMs, s.state FROM scans s WHERE s.id = +?`,
    );
  }

  newestScan(): number {
    return this.#newest.get() ?? 0;
  }

  after(scanId: number, timeZone: string): WarnedSlice {
    const ids = this.#after.all(scanId, warnSliceRows);
    return {
      warned: this.of(ids, timeZone),
      lastId: ids.at(-1) ?? scanId,
      more: ids.length === warnSliceRows,
    };
  }

  of(scanIds: readonly number[], timeZone: string): readonly ScanWarnings[] {
    return scanIds.slice(0, warnSliceRows).flatMap((scanId) => {
      const row = this.#facts.get(scanId);
      if (row === undefined) return [];
      const warnings = warningsOf(this.#factsOf(row), timeZone);
      return warnings.length === 0 ? [] : [{ scanId, warnings }];
    });
  }

  #factsOf(row: FactsRow): ScanFacts {
    const { workSiteId } = row;
    return {
      ssin: row.ssin,
      employer: { kind: row.employerKind, number: row.employerNumber },
      validFrom: row.validFrom,
      validUntil: row.validUntil,
      direction: row.direction,
      utcMs: wallMs(row.utcMs),
      place: this.#sites.read(workSiteId)?.place ?? null,
      earlier: this.#earlierOf(row),
    };
  }

  /** What was refused or kept back is no registration, and says nothing of the order of those that are. */
  #earlierOf({ previousId, utcMs }: FactsRow): ScanFacts["earlier"] {
    const earlier: ScanFacts["earlier"][number][] = [];
    let id = previousId;
    for (let steps = 0; id !== null && steps < earlierMax; steps += 1) {
      const row = this.#earlier.get(id);
      if (row === undefined) break;
      const isOld = utcMs - row.utcMs > inBeforeOutMs;
      const counts = row.state === "registered" || row.state === "waiting" || row.state === "sending";
      if (counts && row.direction !== null) earlier.push({ direction: row.direction, utcMs: wallMs(row.utcMs) });
      if (isOld && earlier.length > 0) break;
      id = row.previousId;
    }
    return earlier;
  }
}
