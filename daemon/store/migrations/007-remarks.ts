/**
 * Registrations that are followed until the service has finished with them, its remarks, and what people say of those.
 *
 * What is needed stands in the rows themselves: a scan may be erased, with its national number, while its registration is
 * still followed or its remark still to be corrected. A trigger begins the following in the same commit as the
 * registration, so that no crash parts the two; its first look comes five minutes later (follow-schedule.ts).
 */
const follow = (row: string): string => `
INSERT OR IGNORE INTO follow_ups (id, registration_id, registered_ms, reference, sent_at, answered_at, created_at, next_at)
SELECT ${row}.id, ${row}.registration_id, coalesce(${row}.dated_utc_ms, ${row}.utc_ms),
  (SELECT e.reference FROM roster_entries e WHERE e.id = ${row}.roster_entry_id),
  coalesce((SELECT a.started_at FROM attempts a WHERE a.id = ${row}.doubt_attempt_id),
    (SELECT a.started_at FROM attempts a WHERE a.id = ${row}.attempt_id)),
  ${row}.settled_at, ${row}.settled_at, ${row}.settled_at + 300000`;

const remark = (row: string): string => `
INSERT OR IGNORE INTO remarks (scan_id, registration_id, registered_ms, reference, code, text, first_seen)
SELECT ${row}.id, ${row}.registration_id, coalesce(${row}.dated_utc_ms, ${row}.utc_ms),
  (SELECT e.reference FROM roster_entries e WHERE e.id = ${row}.roster_entry_id),
  json_extract(r.value, '$.code'), coalesce(json_extract(r.value, '$.text'), ''), ${row}.settled_at`;

/** Begins the following of what was registered in the last days, and takes over the remarks that stand beside it. */
export const followRegistered: string = `
${follow("s")} FROM scans s WHERE s.state = 'registered' AND coalesce(s.validity, 'pending') = 'pending'
  AND s.settled_at > (SELECT max(n.settled_at) FROM scans n WHERE n.state = 'registered') - 864000000 ORDER BY s.id;
${remark("s")} FROM scans s, json_each(coalesce(s.remarks, '[]')) r WHERE s.state = 'registered' ORDER BY s.id;
`;
export const remarks: string = `
CREATE TABLE follow_ups (
  id INTEGER PRIMARY KEY,
  registration_id TEXT NOT NULL,
  registered_ms INTEGER NOT NULL,
  reference TEXT,
  sent_at INTEGER,
  answered_at INTEGER,
  created_at INTEGER NOT NULL,
  looks INTEGER NOT NULL DEFAULT 0,
  looked_at INTEGER,
  last_look TEXT,
  settled_at INTEGER,
  next_at INTEGER,
  ending TEXT CHECK (ending = 'settled' OR ending = 'given-up'),
  CHECK ((next_at IS NULL) = (ending IS NOT NULL))
) STRICT;
CREATE INDEX follow_ups_due ON follow_ups (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE remarks (
  id INTEGER PRIMARY KEY,
  scan_id INTEGER NOT NULL,
  registration_id TEXT NOT NULL,
  registered_ms INTEGER NOT NULL,
  reference TEXT,
  code INTEGER,
  text TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  gone_at INTEGER
) STRICT;
CREATE UNIQUE INDEX remarks_once ON remarks (scan_id, coalesce(code, -1), iif(code IS NULL, text, ''));
CREATE TRIGGER remarks_are_final BEFORE UPDATE OF id, scan_id, registration_id, registered_ms, code, first_seen ON remarks
BEGIN SELECT RAISE(ABORT, 'a remark stays as it was first seen'); END;

CREATE TABLE remark_marks (
  id INTEGER PRIMARY KEY,
  remark_id INTEGER NOT NULL,
  marked_at INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind = 'done' OR kind = 'undone'),
  note TEXT NOT NULL
) STRICT;
CREATE INDEX remark_marks_remark ON remark_marks (remark_id);
CREATE TRIGGER remark_marks_are_final BEFORE UPDATE ON remark_marks
BEGIN SELECT RAISE(ABORT, 'what was said of a remark is never replaced'); END;
CREATE TRIGGER remark_marks_stay BEFORE DELETE ON remark_marks
WHEN EXISTS (SELECT 1 FROM remarks r WHERE r.id = OLD.remark_id)
BEGIN SELECT RAISE(ABORT, 'what was said of a remark is never replaced'); END;
CREATE TRIGGER remarks_unmarked AFTER DELETE ON remarks
BEGIN DELETE FROM remark_marks WHERE remark_id = OLD.id; END;

CREATE TRIGGER scans_followed AFTER UPDATE OF state ON scans WHEN NEW.state = 'registered' AND OLD.state <> 'registered'
BEGIN
  ${follow("NEW")};
  ${remark("NEW")} FROM json_each(coalesce(NEW.remarks, '[]')) r;
END;

${followRegistered}`;
