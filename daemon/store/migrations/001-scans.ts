/** `IN` with a list builds a table in memory at each check, 1 µs each; a chain of comparisons costs nothing. */
function oneOf(column: string, ...values: readonly string[]): string {
  return `(${values.map((value) => `${column} = '${value}'`).join(" OR ")})`;
}

const stateIsKnown = oneOf(
  "state",
  "waiting",
  "double",
  "unknown-badge",
  "sending",
  "registered",
  "refused",
  "withheld",
);
const isSettled = oneOf("state", "registered", "refused", "withheld", "double");
const clockStateIsKnown = oneOf("clock_state", "synchronised", "holdover", "unsynchronised", "untrusted");

/**
 * The first schema. A scan is one row with two parts: the stamp, which triggers make immutable, and its delivery.
 *
 * No index grows in the middle with the number of scans that wait: a worker's last scan hangs on the worker and each
 * scan names the one before it, so that a commit writes as few pages with 10⁶ scans waiting as with 10³. What refers to
 * a roster entry is found by walking the scans, for an index on the reference would grow in the middle as well.
 */
export const scans: string = `
CREATE TABLE store (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  store_id TEXT NOT NULL,
  roster_generation INTEGER NOT NULL DEFAULT 0,
  roster_fingerprint TEXT,
  checkpoints INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE workers (
  id INTEGER PRIMARY KEY,
  ssin TEXT NOT NULL UNIQUE,
  last_scan_id INTEGER
) STRICT;

CREATE TABLE roster_entries (
  id INTEGER PRIMARY KEY,
  badge TEXT NOT NULL,
  worker_id INTEGER NOT NULL REFERENCES workers (id),
  employer_kind TEXT NOT NULL CHECK ${oneOf("employer_kind", "enterprise-number", "foreign-vat")},
  employer_number TEXT NOT NULL,
  declaration_of_works TEXT,
  reference TEXT,
  valid_from TEXT,
  valid_until TEXT,
  superseded_at INTEGER
) STRICT;
CREATE UNIQUE INDEX roster_in_force ON roster_entries (badge) WHERE superseded_at IS NULL;
CREATE INDEX roster_of_worker ON roster_entries (worker_id);
CREATE INDEX roster_superseded ON roster_entries (id) WHERE superseded_at IS NOT NULL;

-- The content is null for a place that a damaged database lost: its scans are kept, and never sent.
CREATE TABLE work_sites (
  id INTEGER PRIMARY KEY,
  content TEXT UNIQUE CHECK (content IS NULL OR json_valid(content))
) STRICT;

CREATE TABLE attempts (
  id INTEGER PRIMARY KEY,
  trace_id TEXT NOT NULL,
  scans INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  outcome TEXT,
  http_status INTEGER,
  related_trace_id TEXT,
  detail TEXT NOT NULL DEFAULT '',
  CHECK ((outcome IS NULL) = (ended_at IS NULL))
) STRICT;
CREATE INDEX attempts_open ON attempts (id) WHERE outcome IS NULL;
CREATE INDEX attempts_ended ON attempts (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE scans (
  id INTEGER PRIMARY KEY,
  reader_id TEXT NOT NULL,
  badge_raw TEXT NOT NULL,
  badge_number TEXT NOT NULL,
  work_site_id INTEGER NOT NULL REFERENCES work_sites (id),
  direction_rule TEXT NOT NULL CHECK ${oneOf("direction_rule", "in", "out", "toggle")},
  boot_id TEXT NOT NULL,
  monotonic_ns INTEGER NOT NULL,
  utc_ms INTEGER NOT NULL,
  error_bound_ms REAL,
  clock_state TEXT NOT NULL CHECK ${clockStateIsKnown},
  capture_lag_ms REAL NOT NULL,
  direction TEXT CHECK ${oneOf("direction", "in", "out")},
  roster_entry_id INTEGER,
  worker_id INTEGER,
  previous_id INTEGER,
  state TEXT NOT NULL CHECK ${stateIsKnown},
  reason TEXT,
  not_before INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  attempt_id INTEGER REFERENCES attempts (id),
  doubt_attempt_id INTEGER REFERENCES attempts (id),
  registration_id TEXT,
  validity TEXT,
  remarks TEXT CHECK (remarks IS NULL OR json_valid(remarks)),
  settled_at INTEGER,
  released_at INTEGER,
  CHECK (NOT ${oneOf("state", "waiting", "sending")} OR (worker_id IS NOT NULL AND direction IS NOT NULL)),
  CHECK ((roster_entry_id IS NULL) = (worker_id IS NULL)),
  CHECK (state <> 'unknown-badge' OR worker_id IS NULL),
  CHECK (state <> 'sending' OR attempt_id IS NOT NULL),
  CHECK ((state = 'registered') = (registration_id IS NOT NULL)),
  CHECK (${isSettled} = (settled_at IS NOT NULL))
) STRICT;
CREATE INDEX scans_waiting ON scans (id) WHERE state = 'waiting';
CREATE INDEX scans_sending ON scans (id) WHERE state = 'sending';
CREATE INDEX scans_refused ON scans (id) WHERE state = 'refused';
CREATE INDEX scans_withheld ON scans (id) WHERE state = 'withheld';
CREATE INDEX scans_unknown ON scans (id) WHERE state = 'unknown-badge';
CREATE INDEX scans_unknown_badge ON scans (badge_number, id) WHERE state = 'unknown-badge';
CREATE INDEX scans_registered ON scans (settled_at) WHERE state = 'registered';
CREATE INDEX scans_double ON scans (settled_at) WHERE state = 'double';
CREATE INDEX scans_attempt ON scans (attempt_id) WHERE attempt_id IS NOT NULL;
CREATE INDEX scans_doubt ON scans (doubt_attempt_id) WHERE doubt_attempt_id IS NOT NULL;

CREATE TRIGGER scans_stamp_is_final
BEFORE UPDATE OF id, reader_id, badge_raw, badge_number, work_site_id, direction_rule, boot_id, monotonic_ns, utc_ms,
  error_bound_ms, clock_state, capture_lag_ms ON scans
BEGIN SELECT RAISE(ABORT, 'the stamp of a scan is final'); END;

CREATE TRIGGER scans_direction_is_final BEFORE UPDATE OF direction ON scans
WHEN OLD.direction IS NOT NULL AND NEW.direction IS NOT OLD.direction
BEGIN SELECT RAISE(ABORT, 'the direction of a scan is final once decided'); END;

CREATE TRIGGER scans_doubt_stays BEFORE UPDATE OF doubt_attempt_id ON scans
WHEN OLD.doubt_attempt_id IS NOT NULL AND NEW.doubt_attempt_id IS NOT OLD.doubt_attempt_id
BEGIN SELECT RAISE(ABORT, 'a doubt stays once raised'); END;

CREATE TRIGGER scans_state_is_legal BEFORE UPDATE OF state ON scans
WHEN NOT CASE OLD.state
  WHEN 'unknown-badge' THEN ${oneOf("NEW.state", "waiting", "double")}
  WHEN 'waiting' THEN ${oneOf("NEW.state", "sending", "withheld")}
  WHEN 'sending' THEN ${oneOf("NEW.state", "waiting", "registered", "refused")}
  WHEN 'refused' THEN NEW.state = 'waiting'
  WHEN 'withheld' THEN NEW.state = 'waiting'
  ELSE 0 END
BEGIN SELECT RAISE(ABORT, 'no such change of state'); END;

CREATE TRIGGER scans_unsent_stay BEFORE DELETE ON scans
WHEN NOT ${oneOf("OLD.state", "registered", "double")}
BEGIN SELECT RAISE(ABORT, 'a scan that is not settled is never deleted'); END;

-- The next id is the greatest plus one: the newest row keeps ids from being given twice.
CREATE TRIGGER scans_newest_stays BEFORE DELETE ON scans
WHEN OLD.id = (SELECT max(id) FROM scans)
BEGIN SELECT RAISE(ABORT, 'the newest scan is never deleted'); END;

CREATE TABLE scan_counts (
  state TEXT PRIMARY KEY,
  scans INTEGER NOT NULL DEFAULT 0 CHECK (scans >= 0)
) STRICT, WITHOUT ROWID;
INSERT INTO scan_counts (state) VALUES
  ('unknown-badge'), ('double'), ('waiting'), ('sending'), ('registered'), ('refused'), ('withheld'), ('doubtful');

-- Inserts are counted once per batch by who makes them: a trigger would be an eighth of the cost of a scan.
CREATE TRIGGER scans_recounted AFTER UPDATE OF state ON scans WHEN NEW.state <> OLD.state BEGIN
  UPDATE scan_counts SET scans = scans - 1 WHERE state = OLD.state;
  UPDATE scan_counts SET scans = scans + 1 WHERE state = NEW.state;
END;
CREATE TRIGGER scans_doubt_counted AFTER UPDATE OF doubt_attempt_id ON scans
WHEN OLD.doubt_attempt_id IS NULL AND NEW.doubt_attempt_id IS NOT NULL BEGIN
  UPDATE scan_counts SET scans = scans + 1 WHERE state = 'doubtful';
END;
CREATE TRIGGER scans_uncounted AFTER DELETE ON scans BEGIN
  UPDATE scan_counts SET scans = scans - 1 WHERE state = OLD.state;
  UPDATE scan_counts SET scans = scans - (OLD.doubt_attempt_id IS NOT NULL) WHERE state = 'doubtful';
END;

CREATE TRIGGER roster_entries_in_force_stay BEFORE DELETE ON roster_entries WHEN OLD.superseded_at IS NULL
BEGIN SELECT RAISE(ABORT, 'a roster entry in force is never deleted'); END;

CREATE TABLE webhook_targets (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  cursor INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE webhook_skips (
  id INTEGER PRIMARY KEY,
  target TEXT NOT NULL,
  scan_id INTEGER NOT NULL,
  reason TEXT NOT NULL
) STRICT;
`;
