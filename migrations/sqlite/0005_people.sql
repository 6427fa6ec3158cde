-- People who have logged in, and logins that were used up. A token is known by its hash alone.
CREATE TABLE login_session (
  hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
  principal TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX login_session_principal ON login_session (principal, created_at);
--> statement-breakpoint
CREATE TABLE login_spent (
  attempt TEXT NOT NULL PRIMARY KEY CHECK (length(attempt) = 64),
  until INTEGER NOT NULL
) WITHOUT ROWID;
