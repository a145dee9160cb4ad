/**
 * The log that somebody else can check. A row's id is `epoch · 2⁴⁰ + seq` (of a checkpoint: its size), so that the log
 * needs no index beside itself: in peace a commit touches as few pages as it can.
 *
 * Append-only: what a checkpoint covers is never deleted, and only a sample in which nothing failed is ever reduced, to its
 * two hashes. What no checkpoint covers has never left the box, and may be dropped when it cannot be read.
 */
export const evidence: string = `
CREATE TABLE evidence_records (
  id INTEGER PRIMARY KEY,
  kind TEXT,
  erasable_at INTEGER,
  line TEXT,
  hash BLOB CHECK (length(hash) = 32),
  leaf BLOB CHECK (length(leaf) = 32),
  CHECK ((line IS NULL) = (hash IS NOT NULL) AND (hash IS NULL) = (leaf IS NULL)),
  CHECK (line IS NOT NULL OR erasable_at IS NOT NULL)
) STRICT;
CREATE INDEX evidence_kinds ON evidence_records (kind, id) WHERE kind IS NOT NULL;

CREATE TABLE evidence_checkpoints (
  id INTEGER PRIMARY KEY,
  note TEXT NOT NULL,
  roots BLOB NOT NULL CHECK (length(roots) % 32 = 0)
) STRICT;

CREATE TABLE evidence_anchors (
  id INTEGER PRIMARY KEY,
  size INTEGER NOT NULL,
  type TEXT NOT NULL,
  made_by TEXT NOT NULL,
  proof BLOB NOT NULL
) STRICT;

CREATE TABLE evidence_salts (
  id INTEGER PRIMARY KEY REFERENCES outage_entries (id),
  salt BLOB NOT NULL CHECK (length(salt) = 16)
) STRICT;

CREATE TRIGGER evidence_records_stay BEFORE DELETE ON evidence_records
WHEN EXISTS (SELECT 1 FROM evidence_checkpoints c WHERE c.id > OLD.id AND c.id >> 40 = OLD.id >> 40)
BEGIN SELECT RAISE(ABORT, 'a record that a checkpoint covers is never deleted'); END;
CREATE TRIGGER evidence_records_are_final BEFORE UPDATE ON evidence_records
WHEN NEW.id IS NOT OLD.id OR NEW.kind IS NOT OLD.kind OR NEW.erasable_at IS NOT OLD.erasable_at
  OR OLD.erasable_at IS NULL OR OLD.line IS NULL OR NEW.line IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a record is never changed, but for an old sample that becomes its hashes'); END;

CREATE TRIGGER evidence_checkpoints_stay BEFORE DELETE ON evidence_checkpoints
BEGIN SELECT RAISE(ABORT, 'a checkpoint is never taken back'); END;
CREATE TRIGGER evidence_checkpoints_are_final BEFORE UPDATE ON evidence_checkpoints
BEGIN SELECT RAISE(ABORT, 'a checkpoint is never taken back'); END;
CREATE TRIGGER evidence_anchors_stay BEFORE DELETE ON evidence_anchors
BEGIN SELECT RAISE(ABORT, 'an anchor is never taken back'); END;
CREATE TRIGGER evidence_anchors_are_final BEFORE UPDATE ON evidence_anchors
BEGIN SELECT RAISE(ABORT, 'an anchor is never taken back'); END;
CREATE TRIGGER evidence_salts_stay BEFORE DELETE ON evidence_salts
BEGIN SELECT RAISE(ABORT, 'a salt is never replaced'); END;
CREATE TRIGGER evidence_salts_are_final BEFORE UPDATE ON evidence_salts
BEGIN SELECT RAISE(ABORT, 'a salt is never replaced'); END;
`;
