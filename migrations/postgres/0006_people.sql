-- People who have logged in, and logins that were used up. A token is known by its hash alone.
CREATE TABLE aegis.login_session (
  hash TEXT COLLATE "C" PRIMARY KEY CHECK (length(hash) = 64),
  principal TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL
) WITH (fillfactor = 70);
--> statement-breakpoint
CREATE INDEX login_session_principal ON aegis.login_session (principal, created_at);
--> statement-breakpoint
CREATE TABLE aegis.login_spent (
  attempt TEXT COLLATE "C" PRIMARY KEY CHECK (length(attempt) = 64),
  until BIGINT NOT NULL
);
--> statement-breakpoint
GRANT SELECT, INSERT, DELETE ON aegis.login_session, aegis.login_spent TO led_app;
--> statement-breakpoint
GRANT UPDATE (seen_at) ON aegis.login_session TO led_app;
