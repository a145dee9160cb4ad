/**
 * How a worker works and the reference of his Limosa declaration. Both may be null, as in every row from before and in what
 * is saved from a damaged database of before.
 */
export const workerKinds: string = `
ALTER TABLE roster_entries ADD COLUMN worker_kind TEXT
  CHECK (worker_kind IN ('self-employed', 'temporary', 'posted'));
ALTER TABLE roster_entries ADD COLUMN limosa TEXT;
`;
