-- Definitions of upstreams' tools, as they were trusted or wait for a person.
CREATE TABLE aegis.tool_pin (
  upstream TEXT NOT NULL,
  tool TEXT NOT NULL,
  digest TEXT NOT NULL CHECK (length(digest) = 64),
  core TEXT NOT NULL CHECK (length(core) = 64),
  era TEXT NOT NULL CHECK (era IN ('legacy', 'modern')),
  status TEXT NOT NULL CHECK (status IN ('accepted', 'waiting')),
  definition TEXT,
  findings TEXT NOT NULL,
  seen_at BIGINT NOT NULL,
  decided_at BIGINT,
  decided_by TEXT,
  PRIMARY KEY (upstream, tool, digest)
);
--> statement-breakpoint
CREATE UNIQUE INDEX tool_pin_waiting ON aegis.tool_pin (upstream, tool) WHERE status = 'waiting';
--> statement-breakpoint
-- Two gateways that see different definitions at once must not trust both.
CREATE UNIQUE INDEX tool_pin_first ON aegis.tool_pin (upstream, tool) WHERE decided_by = 'first-sight';
--> statement-breakpoint
CREATE UNIQUE INDEX tool_pin_era ON aegis.tool_pin (upstream, tool, core) WHERE decided_by = 'other-era';
--> statement-breakpoint
GRANT SELECT, INSERT, DELETE ON aegis.tool_pin TO led_app;
--> statement-breakpoint
GRANT UPDATE (digest, core, era, status, definition, findings, seen_at, decided_at, decided_by) ON aegis.tool_pin TO led_app;
