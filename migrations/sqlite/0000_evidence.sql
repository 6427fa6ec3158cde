-- The log. `body` holds the hashed bytes; every other column is a projection of it that `verify` compares.
CREATE TABLE ledger_log (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  origin TEXT NOT NULL,
  size INTEGER NOT NULL,
  replay_from INTEGER NOT NULL,
  frontier BLOB NOT NULL DEFAULT x'',
  min_index INTEGER NOT NULL DEFAULT 0,
  epoch INTEGER NOT NULL
);
--> statement-breakpoint
CREATE TABLE ledger_session (
  session TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  next_seq INTEGER NOT NULL,
  head_hash TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('open', 'closed')),
  manifest_n INTEGER,
  last_n INTEGER NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE ledger_entry (
  n INTEGER PRIMARY KEY,
  eid TEXT UNIQUE,
  session TEXT,
  seq INTEGER,
  kind TEXT NOT NULL,
  env TEXT,
  ts TEXT,
  hash TEXT NOT NULL CHECK (length(hash) = 64),
  prev TEXT,
  body BLOB NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX ledger_entry_place ON ledger_entry (session, seq);
--> statement-breakpoint
CREATE INDEX ledger_entry_env ON ledger_entry (env) WHERE env IS NOT NULL;
--> statement-breakpoint
CREATE TRIGGER ledger_entry_no_update BEFORE UPDATE ON ledger_entry
BEGIN SELECT RAISE(ABORT, 'the evidence ledger is append-only'); END;
--> statement-breakpoint
CREATE TRIGGER ledger_entry_no_delete BEFORE DELETE ON ledger_entry
BEGIN SELECT RAISE(ABORT, 'the evidence ledger is append-only'); END;
--> statement-breakpoint
-- Numbers are gapless; this also stops REPLACE, whose deletions fire no trigger.
CREATE TRIGGER ledger_entry_gapless BEFORE INSERT ON ledger_entry
WHEN NEW.n <> (SELECT ifnull(max(n), -1) + 1 FROM ledger_entry)
BEGIN SELECT RAISE(ABORT, 'the evidence ledger is append-only'); END;
--> statement-breakpoint
-- Committed values with their salts: beside the hashed bytes, and the only thing that can be erased.
CREATE TABLE ledger_payload (
  n INTEGER NOT NULL,
  path TEXT NOT NULL,
  salt BLOB NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (n, path)
) WITHOUT ROWID;
--> statement-breakpoint
-- Full tiles of the Merkle tree: 256 hashes each. They outlive the rows whose hashes they hold.
CREATE TABLE ledger_tile (
  level INTEGER NOT NULL,
  idx INTEGER NOT NULL,
  hashes BLOB NOT NULL CHECK (length(hashes) = 8192),
  PRIMARY KEY (level, idx)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TRIGGER ledger_tile_no_update BEFORE UPDATE ON ledger_tile
BEGIN SELECT RAISE(ABORT, 'the evidence ledger is append-only'); END;
--> statement-breakpoint
CREATE TRIGGER ledger_tile_no_delete BEFORE DELETE ON ledger_tile
BEGIN SELECT RAISE(ABORT, 'the evidence ledger is append-only'); END;
--> statement-breakpoint
-- One root a size: two signers cannot publish two histories through one store.
CREATE TABLE ledger_checkpoint (
  size INTEGER PRIMARY KEY,
  root BLOB NOT NULL CHECK (length(root) = 32),
  note TEXT NOT NULL
);
--> statement-breakpoint
CREATE TRIGGER ledger_checkpoint_no_update BEFORE UPDATE ON ledger_checkpoint
BEGIN SELECT RAISE(ABORT, 'the evidence ledger is append-only'); END;
--> statement-breakpoint
CREATE TRIGGER ledger_checkpoint_no_delete BEFORE DELETE ON ledger_checkpoint
BEGIN SELECT RAISE(ABORT, 'the evidence ledger is append-only'); END;
--> statement-breakpoint
CREATE TABLE ledger_anchor (
  size INTEGER NOT NULL,
  sink TEXT NOT NULL,
  receipt TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (size, sink)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE ledger_hold (
  session TEXT PRIMARY KEY,
  reason TEXT NOT NULL,
  at INTEGER NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
-- `record` is what never changes. Raw arguments stay only until the approval is settled and spent.
CREATE TABLE approval (
  id TEXT PRIMARY KEY,
  status TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'denied', 'expired', 'redeemed')),
  digest TEXT NOT NULL,
  principal TEXT NOT NULL,
  session TEXT NOT NULL,
  queued_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  record TEXT NOT NULL,
  parameters TEXT,
  votes TEXT NOT NULL,
  resolution TEXT
);
--> statement-breakpoint
-- One pending approval an action: a second identical call finds the first, however close together they come.
CREATE UNIQUE INDEX approval_pending ON approval (digest) WHERE status = 'pending';
--> statement-breakpoint
CREATE INDEX approval_digest ON approval (digest, queued_at);
--> statement-breakpoint
CREATE INDEX approval_due ON approval (expires_at) WHERE status IN ('pending', 'approved');
--> statement-breakpoint
CREATE INDEX approval_status ON approval (status, queued_at);
--> statement-breakpoint
CREATE TABLE api_key (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  owner TEXT NOT NULL,
  sponsor TEXT NOT NULL,
  role TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  prefix TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
);
--> statement-breakpoint
-- Tokens that must still be revoked, sealed.
CREATE TABLE pending_revocation (
  id TEXT PRIMARY KEY,
  sealed BLOB NOT NULL,
  api_url TEXT NOT NULL,
  token_sha256 TEXT NOT NULL,
  scope TEXT NOT NULL,
  envelope TEXT NOT NULL,
  issued_at INTEGER NOT NULL,
  deadline INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  next_attempt_at INTEGER NOT NULL
);
--> statement-breakpoint
CREATE INDEX pending_revocation_due ON pending_revocation (next_attempt_at);
