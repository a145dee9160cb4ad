/**
 * Lines of the evidence log are packed (line-pack.ts): a blob in a column that has held text so far. What is there stays as
 * it is. A column's type cannot be changed in place, so the table is made anew under the same promises.
 */
export const packedLines: string = `
CREATE TABLE evidence_packed (
  id INTEGER PRIMARY KEY,
  kind TEXT,
  erasable_at INTEGER,
  line ANY CHECK (line IS NULL OR typeof(line) = 'blob' OR typeof(line) = 'text'),
  hash BLOB CHECK (length(hash) = 32),
  leaf BLOB CHECK (length(leaf) = 32),
  CHECK ((line IS NULL) = (hash IS NOT NULL) AND (hash IS NULL) = (leaf IS NULL)),
  CHECK (line IS NOT NULL OR erasable_at IS NOT NULL)
) STRICT;
INSERT INTO evidence_packed (id, kind, erasable_at, line, hash, leaf)
SELECT id, kind, erasable_at, line, hash, leaf FROM evidence_records ORDER BY id;
DROP TABLE evidence_records;
ALTER TABLE evidence_packed RENAME TO evidence_records;
CREATE INDEX evidence_kinds ON evidence_records (kind, id) WHERE kind IS NOT NULL;

CREATE TRIGGER evidence_records_stay BEFORE DELETE ON evidence_records
WHEN EXISTS (SELECT 1 FROM evidence_checkpoints c WHERE c.id > OLD.id AND c.id >> 40 = OLD.id >> 40)
BEGIN SELECT RAISE(ABORT, 'a record that a checkpoint covers is never deleted'); END;
CREATE TRIGGER evidence_records_are_final BEFORE UPDATE ON evidence_records
WHEN NEW.id IS NOT OLD.id OR NEW.kind IS NOT OLD.kind OR NEW.erasable_at IS NOT OLD.erasable_at
  OR OLD.erasable_at IS NULL OR OLD.line IS NULL OR NEW.line IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a record is never changed, but for an old sample that becomes its hashes'); END;
`;
