-- What is to be told to whom. What is sent is read from the log when it is sent: nothing of it is kept here.
CREATE TABLE aegis.notification (
  id TEXT COLLATE "C" PRIMARY KEY,
  endpoint TEXT COLLATE "C" NOT NULL,
  event TEXT COLLATE "C" NOT NULL,
  n BIGINT NOT NULL,
  status TEXT COLLATE "C" NOT NULL CHECK (status IN ('waiting', 'dead')),
  attempts INTEGER NOT NULL,
  created_at BIGINT NOT NULL,
  next_attempt_at BIGINT NOT NULL,
  failed_at BIGINT,
  error TEXT
) WITH (fillfactor = 70);
--> statement-breakpoint
CREATE INDEX notification_due ON aegis.notification (endpoint, status, next_attempt_at, n);
--> statement-breakpoint
CREATE INDEX notification_failed ON aegis.notification (failed_at) WHERE failed_at IS NOT NULL;
--> statement-breakpoint
-- How far the log was looked at, and which gateway does it.
CREATE TABLE aegis.notification_cursor (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  next BIGINT NOT NULL,
  holder TEXT NOT NULL,
  held_until BIGINT NOT NULL
) WITH (fillfactor = 50);
--> statement-breakpoint
-- What an endpoint made for a subject, to be changed later: the place of a message, the number of a comment.
CREATE TABLE aegis.notification_reference (
  endpoint TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  reference TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (endpoint, subject)
);
--> statement-breakpoint
GRANT SELECT, INSERT, DELETE ON aegis.notification, aegis.notification_reference TO led_app;
--> statement-breakpoint
GRANT UPDATE (status, attempts, created_at, next_attempt_at, failed_at, error) ON aegis.notification TO led_app;
--> statement-breakpoint
GRANT UPDATE (reference, at) ON aegis.notification_reference TO led_app;
--> statement-breakpoint
GRANT SELECT, INSERT ON aegis.notification_cursor TO led_app;
--> statement-breakpoint
GRANT UPDATE (next, holder, held_until) ON aegis.notification_cursor TO led_app;
