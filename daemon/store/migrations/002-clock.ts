/**
 * The clock's history, and the time of scans that were stored before their boot knew it.
 *
 * A scan's own stamp stays as it was made. `dated_…` is the time that was proven for it afterwards, written once: by a
 * synchronisation of the same boot, or as the bracket of a boot that never synchronised.
 */
export const clock: string = `
ALTER TABLE scans ADD COLUMN sync_id TEXT;
ALTER TABLE scans ADD COLUMN dated_how TEXT CHECK (dated_how = 'retroactive' OR dated_how = 'bracket');
ALTER TABLE scans ADD COLUMN dated_utc_ms INTEGER CHECK ((dated_utc_ms IS NULL) = (dated_how IS NULL));
ALTER TABLE scans ADD COLUMN dated_error_ms REAL CHECK ((dated_error_ms IS NULL) = (dated_how IS NULL));
ALTER TABLE scans ADD COLUMN dated_state TEXT CHECK ((dated_state IS NULL) = (dated_how IS NULL));
ALTER TABLE scans ADD COLUMN dated_sync_id TEXT CHECK ((dated_sync_id IS NULL) = (dated_how IS NULL));
CREATE INDEX scans_undated ON scans (id) WHERE error_bound_ms IS NULL AND dated_how IS NULL;

CREATE TRIGGER scans_sync_is_final BEFORE UPDATE OF sync_id ON scans
BEGIN SELECT RAISE(ABORT, 'the stamp of a scan is final'); END;
CREATE TRIGGER scans_date_is_final BEFORE UPDATE OF dated_how, dated_utc_ms, dated_error_ms, dated_state, dated_sync_id
ON scans WHEN OLD.dated_how IS NOT NULL OR OLD.error_bound_ms IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'the time of a scan is proven once'); END;

-- In the order in which badged saw them begin; how far BOOTTIME was ahead of MONOTONIC when it looked last.
CREATE TABLE boots (
  id INTEGER PRIMARY KEY,
  boot_id TEXT NOT NULL UNIQUE,
  seen_ns INTEGER NOT NULL,
  slept_ms REAL
) STRICT;

-- One row per poll, with or without a quorum, and one for each time that was taken from the service's own clock.
CREATE TABLE clock_syncs (
  id INTEGER PRIMARY KEY,
  sync_id TEXT NOT NULL UNIQUE,
  boot_id TEXT NOT NULL,
  at_ns INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL,
  basis TEXT CHECK (basis = 'quorum' OR basis = 'service'),
  theta_ns INTEGER CHECK ((theta_ns IS NULL) = (basis IS NULL)),
  bound_ns INTEGER CHECK ((bound_ns IS NULL) = (basis IS NULL)),
  oldest_sample_ns INTEGER CHECK ((oldest_sample_ns IS NULL) = (basis IS NULL)),
  leap_announced INTEGER CHECK ((leap_announced IS NULL) = (basis IS NULL)),
  trusted INTEGER NOT NULL CHECK (trusted = 0 OR basis IS NOT NULL),
  content TEXT NOT NULL CHECK (json_valid(content))
) STRICT;
CREATE INDEX clock_syncs_trusted ON clock_syncs (boot_id, at_ns) WHERE trusted = 1;
CREATE TRIGGER clock_syncs_are_final BEFORE UPDATE ON clock_syncs
BEGIN SELECT RAISE(ABORT, 'the history of the clock is never rewritten'); END;

-- Steps, suspends, contradictions and changes of state.
CREATE TABLE clock_events (
  id INTEGER PRIMARY KEY,
  boot_id TEXT NOT NULL,
  at_ns INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  content TEXT NOT NULL CHECK (json_valid(content))
) STRICT;
CREATE INDEX clock_events_breaks ON clock_events (boot_id) WHERE kind = 'suspend' OR kind = 'contradiction';
CREATE TRIGGER clock_events_are_final BEFORE UPDATE ON clock_events
BEGIN SELECT RAISE(ABORT, 'the history of the clock is never rewritten'); END;

CREATE TABLE receipt_knowledge (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  content TEXT NOT NULL CHECK (json_valid(content))
) STRICT;
`;
