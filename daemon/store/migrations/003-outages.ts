/**
 * Outage windows, what people add to them, and the sign of life from which the end of a run is told. A window changes
 * while it lasts and is final once it has ended, but for the two minutes in which a new failure belongs to it.
 */
export const outages: string = `
CREATE TABLE outage_windows (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  began_ms INTEGER NOT NULL,
  ended_ms INTEGER,
  content TEXT NOT NULL CHECK (json_valid(content))
) STRICT;
CREATE INDEX outage_windows_began ON outage_windows (began_ms);
CREATE INDEX outage_windows_open ON outage_windows (id) WHERE ended_ms IS NULL;
CREATE TRIGGER outage_windows_stay BEFORE DELETE ON outage_windows
BEGIN SELECT RAISE(ABORT, 'an outage window is never deleted'); END;
CREATE TRIGGER outage_windows_keep_their_beginning BEFORE UPDATE OF id, key ON outage_windows
BEGIN SELECT RAISE(ABORT, 'an outage window keeps its name'); END;

CREATE TABLE outage_entries (
  id INTEGER PRIMARY KEY,
  window_id INTEGER NOT NULL REFERENCES outage_windows (id),
  added_at INTEGER NOT NULL,
  content TEXT NOT NULL CHECK (json_valid(content))
) STRICT;
CREATE INDEX outage_entries_window ON outage_entries (window_id);
CREATE TRIGGER outage_entries_are_final BEFORE UPDATE ON outage_entries
BEGIN SELECT RAISE(ABORT, 'what was added to an outage is never replaced'); END;
CREATE TRIGGER outage_entries_stay BEFORE DELETE ON outage_entries
BEGIN SELECT RAISE(ABORT, 'what was added to an outage is never replaced'); END;

CREATE TABLE heartbeat (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  content TEXT NOT NULL CHECK (json_valid(content))
) STRICT;
`;
