/**
 * A double was settled when it was made. One that was dated by an earlier version kept the time of a clock that may have
 * been years ahead, and would be kept, and its worker with it, until then.
 */
export const datedDoubles: string = `
UPDATE scans SET settled_at = dated_utc_ms
WHERE state = 'double' AND dated_utc_ms IS NOT NULL AND settled_at <> dated_utc_ms;
`;
