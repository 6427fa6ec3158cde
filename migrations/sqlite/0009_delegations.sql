-- Reviewers who let another speak in their place for a time.
CREATE TABLE delegation (
  id TEXT PRIMARY KEY,
  principal TEXT NOT NULL,
  name TEXT NOT NULL,
  owner TEXT NOT NULL CHECK (owner <> ''),
  delegate TEXT NOT NULL CHECK (delegate <> '' AND delegate <> owner),
  created_at INTEGER NOT NULL,
  until INTEGER NOT NULL,
  ended_at INTEGER
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX delegation_open ON delegation (delegate, until) WHERE ended_at IS NULL;
