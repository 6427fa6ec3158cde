-- The search index: made from the log, and made again where it is missing. Which entries of a block (4,096) have a value;
-- targets stand here as HMACs only.
CREATE TABLE aegis.search_posting (
  field TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  block BIGINT NOT NULL,
  slots BYTEA NOT NULL,
  PRIMARY KEY (field, value, block)
);
--> statement-breakpoint
CREATE INDEX search_posting_block ON aegis.search_posting (field, block);
--> statement-breakpoint
CREATE TABLE aegis.search_block (
  block BIGINT PRIMARY KEY,
  first BIGINT NOT NULL,
  last BIGINT NOT NULL,
  last_hash TEXT COLLATE "C" NOT NULL,
  counts TEXT NOT NULL,
  waits BYTEA NOT NULL,
  times BYTEA NOT NULL
);
--> statement-breakpoint
CREATE TABLE aegis.search_state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  identity TEXT COLLATE "C" NOT NULL,
  next BIGINT NOT NULL,
  holder TEXT COLLATE "C" NOT NULL,
  held_until BIGINT NOT NULL
);
--> statement-breakpoint
INSERT INTO aegis.search_state (id, identity, next, holder, held_until) VALUES (1, '', 0, '', 0);
--> statement-breakpoint
GRANT SELECT, INSERT, DELETE ON aegis.search_posting, aegis.search_block TO led_app;
--> statement-breakpoint
GRANT SELECT ON aegis.search_state TO led_app;
--> statement-breakpoint
GRANT UPDATE (slots) ON aegis.search_posting TO led_app;
--> statement-breakpoint
GRANT UPDATE (identity, next, holder, held_until) ON aegis.search_state TO led_app;
--> statement-breakpoint
-- Approvals of one session; pages of those of one status, oldest first.
CREATE INDEX approval_session ON aegis.approval (session, queued_at);
