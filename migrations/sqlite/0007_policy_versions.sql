-- The policies that were in force, with their texts. None is ever changed or deleted.
CREATE TABLE policy_version (
  number INTEGER PRIMARY KEY CHECK (number > 0),
  digest TEXT NOT NULL CHECK (length(digest) = 64),
  record TEXT NOT NULL,
  at INTEGER NOT NULL,
  disk TEXT NOT NULL,
  leaf INTEGER
);
--> statement-breakpoint
CREATE INDEX policy_version_digest ON policy_version (digest);
--> statement-breakpoint
CREATE TRIGGER policy_version_kept BEFORE UPDATE ON policy_version
  WHEN NEW.number <> OLD.number OR NEW.digest <> OLD.digest OR NEW.record <> OLD.record OR NEW.at <> OLD.at
    OR (OLD.leaf IS NOT NULL AND NEW.leaf IS NOT OLD.leaf)
BEGIN SELECT RAISE(ABORT, 'policy versions are never changed'); END;
--> statement-breakpoint
CREATE TRIGGER policy_version_stays BEFORE DELETE ON policy_version
BEGIN SELECT RAISE(ABORT, 'policy versions are never deleted'); END;
