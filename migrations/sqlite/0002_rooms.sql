-- One room a repository; keys that are confined to one; and when a key was last used.
CREATE TABLE room (
  id TEXT PRIMARY KEY,
  repository_key TEXT NOT NULL UNIQUE,
  record TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version > 0),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE api_key ADD COLUMN room_id TEXT;
--> statement-breakpoint
-- A room's key is never more than an agent's, whoever writes the row.
ALTER TABLE api_key ADD COLUMN room_role TEXT CHECK (room_role IS NULL OR (role = 'agent' AND room_id IS NOT NULL
  AND room_role IN ('DEVELOPER', 'ADMIN', 'OWNER')));
--> statement-breakpoint
ALTER TABLE api_key ADD COLUMN last_used_at INTEGER;
