/**
 * A call changes the state of two hundred scans twice. Counted one by one, they would be a quarter of what that costs: who
 * marks scans as `sending`, and settles them, counts them once for all of the call, and the trigger counts every other
 * change. Remarks have a trigger of their own, for unpacking a list that is not there costs more than the rest of it.
 */
export const callCounts: string = `
DROP TRIGGER scans_recounted;
CREATE TRIGGER scans_recounted AFTER UPDATE OF state ON scans
WHEN NEW.state <> OLD.state AND NEW.state <> 'sending' AND OLD.state <> 'sending' BEGIN
  UPDATE scan_counts SET scans = scans - 1 WHERE state = OLD.state;
  UPDATE scan_counts SET scans = scans + 1 WHERE state = NEW.state;
END;

DROP TRIGGER scans_followed;
CREATE TRIGGER scans_followed AFTER UPDATE OF state ON scans WHEN NEW.state = 'registered' AND OLD.state <> 'registered'
BEGIN
  INSERT OR IGNORE INTO follow_ups (id, registration_id, registered_ms, reference, sent_at, answered_at, created_at, next_at)
  SELECT NEW.id, NEW.registration_id, coalesce(NEW.dated_utc_ms, NEW.utc_ms),
    (SELECT e.reference FROM roster_entries e WHERE e.id = NEW.roster_entry_id),
    (SELECT a.started_at FROM attempts a WHERE a.id = coalesce(NEW.doubt_attempt_id, NEW.attempt_id)),
    NEW.settled_at, NEW.settled_at, NEW.settled_at + 300000;
END;
CREATE TRIGGER scans_remarked AFTER UPDATE OF state ON scans
WHEN NEW.state = 'registered' AND OLD.state <> 'registered' AND NEW.remarks IS NOT NULL
BEGIN
  INSERT OR IGNORE INTO remarks (scan_id, registration_id, registered_ms, reference, code, text, first_seen)
  SELECT NEW.id, NEW.registration_id, coalesce(NEW.dated_utc_ms, NEW.utc_ms),
    (SELECT e.reference FROM roster_entries e WHERE e.id = NEW.roster_entry_id),
    json_extract(r.value, '$.code'), coalesce(json_extract(r.value, '$.text'), ''), NEW.settled_at
  FROM json_each(NEW.remarks) r;
END;
`;
