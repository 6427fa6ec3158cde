-- What principals have read lately, from where, and who could have written it.
CREATE TABLE taint (
  principal TEXT NOT NULL,
  source TEXT NOT NULL,
  visibility TEXT NOT NULL CHECK (visibility IN ('public', 'private', 'unknown')),
  repository TEXT NOT NULL,
  is_text INTEGER NOT NULL CHECK (is_text IN (0, 1)),
  at INTEGER NOT NULL,
  PRIMARY KEY (principal, source, visibility)
) WITHOUT ROWID;
