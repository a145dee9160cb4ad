/** Who employs the worker, as the service names it. */
export type Employer =
  | { readonly kind: "enterprise-number"; readonly number: string }
  | { readonly kind: "foreign-vat"; readonly number: string };

/**
 * How a worker works, where that is not as an employee. The service is told the same of all: who he is by SSIN, a BIS number
 * for one from abroad, and who employs him.
 *
 * - `self-employed`: the employer is his own enterprise number.
 * - `temporary`: the employer is the agency that employs him, not the firm he works at.
 * - `posted`: the employer is abroad; he may have a Limosa declaration.
 */
export type WorkerKind = (typeof workerKinds)[number];

export const workerKinds = ["self-employed", "temporary", "posted"] as const;

/** One badge of one worker. A worker is known by SSIN; he may hold several badges. */
export type RosterEntry = {
  /** The badge number in the roster's own form. */
  readonly badge: string;
  readonly ssin: string;
  readonly employer: Employer;
  /** AvW number of this worker's work; `null` takes the site's. */
  readonly declarationOfWorks: string | null;
  /** An employee when absent or `null`. */
  readonly kind?: WorkerKind | null;
  /** Reference of the Limosa declaration of a posted worker. */
  readonly limosa?: string | null;
  /** The employer's own reference (personnel number); what people see instead of the SSIN. */
  readonly reference: string | null;
  /** Local dates `YYYY-MM-DD`, both inclusive; `null` is open. Outside them the scan is kept and sent all the same. */
  readonly validFrom: string | null;
  readonly validUntil: string | null;
};

/** What an import does, or would do. Counts of badges. */
export type RosterChange = {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly unchanged: number;
  /** Of the whole roster: another worker held them before, and what was badged with them meanwhile stays unknown without `validFrom`. */
  readonly handedOn: number;
};

/** The port through which a roster is replaced whole. Stored scans are never touched by it. */
export interface RosterStore {
  /** What `replaceRoster` would do. Writes nothing. */
  planRoster(entries: readonly RosterEntry[]): Promise<RosterChange>;
  /** All or nothing, in one transaction. `fingerprint` is kept so that an unchanged file is not imported again. */
  replaceRoster(entries: readonly RosterEntry[], fingerprint: string): Promise<RosterChange>;
  /** The fingerprint of the roster in force; `null` before the first import. */
  rosterFingerprint(): Promise<string | null>;
}
