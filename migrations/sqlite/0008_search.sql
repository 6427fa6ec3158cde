-- The search index: made from the log, and made again where it is missing. Which entries of a block (4,096) have a value;
-- targets stand here as HMACs only.
CREATE TABLE search_posting (
  field TEXT NOT NULL,
  value TEXT NOT NULL,
  block INTEGER NOT NULL,
  slots BLOB NOT NULL,
  PRIMARY KEY (field, value, block)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX search_posting_block ON search_posting (field, block);
--> statement-breakpoint
-- What a block says of all its entries; the large columns last, so that who reads only the others skips them.
CREATE TABLE search_block (
  block INTEGER PRIMARY KEY,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  last_hash TEXT NOT NULL,
  counts TEXT NOT NULL,
  waits BLOB NOT NULL,
  times BLOB NOT NULL
);
--> statement-breakpoint
CREATE TABLE search_state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  identity TEXT NOT NULL,
  next INTEGER NOT NULL,
  holder TEXT NOT NULL,
  held_until INTEGER NOT NULL
);
--> statement-breakpoint
INSERT INTO search_state (id, identity, next, holder, held_until) VALUES (1, '', 0, '', 0);
--> statement-breakpoint
-- Approvals of one session; pages of those of one status, oldest first.
CREATE INDEX approval_session ON approval (session, queued_at);
