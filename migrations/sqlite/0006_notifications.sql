-- What is to be told to whom. What is sent is read from the log when it is sent: nothing of it is kept here.
CREATE TABLE notification (
  id TEXT PRIMARY KEY,
  endpoint TEXT NOT NULL,
  event TEXT NOT NULL,
  n INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('waiting', 'dead')),
  attempts INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  next_attempt_at INTEGER NOT NULL,
  failed_at INTEGER,
  error TEXT
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX notification_due ON notification (endpoint, status, next_attempt_at, n);
--> statement-breakpoint
CREATE INDEX notification_failed ON notification (failed_at) WHERE failed_at IS NOT NULL;
--> statement-breakpoint
-- How far the log was looked at, and which gateway does it.
CREATE TABLE notification_cursor (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  next INTEGER NOT NULL,
  holder TEXT NOT NULL,
  held_until INTEGER NOT NULL
);
--> statement-breakpoint
-- What an endpoint made for a subject, to be changed later: the place of a message, the number of a comment.
CREATE TABLE notification_reference (
  endpoint TEXT NOT NULL,
  subject TEXT NOT NULL,
  reference TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (endpoint, subject)
) WITHOUT ROWID;
