-- The policies that were in force, with their texts. None is ever changed or deleted.
CREATE TABLE aegis.policy_version (
  number INTEGER PRIMARY KEY CHECK (number > 0),
  digest TEXT COLLATE "C" NOT NULL CHECK (length(digest) = 64),
  record TEXT NOT NULL,
  at BIGINT NOT NULL,
  disk TEXT NOT NULL,
  leaf BIGINT
);
--> statement-breakpoint
CREATE INDEX policy_version_digest ON aegis.policy_version (digest);
--> statement-breakpoint
GRANT SELECT, INSERT ON aegis.policy_version TO led_app;
--> statement-breakpoint
GRANT UPDATE (disk, leaf) ON aegis.policy_version TO led_app;
--> statement-breakpoint
GRANT SELECT ON aegis.policy_version TO led_read;
