-- Reviewers who let another speak in their place for a time.
CREATE TABLE aegis.delegation (
  id TEXT COLLATE "C" PRIMARY KEY,
  principal TEXT COLLATE "C" NOT NULL,
  name TEXT NOT NULL,
  owner TEXT COLLATE "C" NOT NULL CHECK (owner <> ''),
  delegate TEXT COLLATE "C" NOT NULL CHECK (delegate <> '' AND delegate <> owner),
  created_at BIGINT NOT NULL,
  until BIGINT NOT NULL,
  ended_at BIGINT
);
--> statement-breakpoint
CREATE INDEX delegation_open ON aegis.delegation (delegate, until) WHERE ended_at IS NULL;
--> statement-breakpoint
GRANT SELECT, INSERT ON aegis.delegation TO led_app;
--> statement-breakpoint
GRANT UPDATE (ended_at) ON aegis.delegation TO led_app;
