/**
 * Looking into doubts: since when a scan is in doubt that nobody has looked into (the end of the last call that may have
 * registered it), and what the search came to. The mark of a possible duplicate stays either way.
 */
export const doubts: string = `
ALTER TABLE scans ADD COLUMN doubt_since INTEGER;
ALTER TABLE scans ADD COLUMN doubt_verdict TEXT CHECK (doubt_verdict IN ('found', 'not-found'));
UPDATE scans SET doubt_since = (SELECT a.ended_at FROM attempts a WHERE a.id = scans.doubt_attempt_id)
WHERE state IN ('waiting', 'withheld') AND doubt_attempt_id IS NOT NULL;
CREATE INDEX scans_doubt_open ON scans (doubt_since) WHERE doubt_since IS NOT NULL AND state = 'waiting';
`;
