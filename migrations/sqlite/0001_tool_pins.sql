-- Definitions of upstreams' tools, as they were trusted or wait for a person.
CREATE TABLE tool_pin (
  upstream TEXT NOT NULL,
  tool TEXT NOT NULL,
  digest TEXT NOT NULL CHECK (length(digest) = 64),
  core TEXT NOT NULL CHECK (length(core) = 64),
  era TEXT NOT NULL CHECK (era IN ('legacy', 'modern')),
  status TEXT NOT NULL CHECK (status IN ('accepted', 'waiting')),
  definition TEXT,
  findings TEXT NOT NULL,
  seen_at INTEGER NOT NULL,
  decided_at INTEGER,
  decided_by TEXT,
  PRIMARY KEY (upstream, tool, digest)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX tool_pin_waiting ON tool_pin (upstream, tool) WHERE status = 'waiting';
--> statement-breakpoint
-- Two gateways that see different definitions at once must not trust both.
CREATE UNIQUE INDEX tool_pin_first ON tool_pin (upstream, tool) WHERE decided_by = 'first-sight';
--> statement-breakpoint
CREATE UNIQUE INDEX tool_pin_era ON tool_pin (upstream, tool, core) WHERE decided_by = 'other-era';
