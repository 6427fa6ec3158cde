-- One room a repository; keys that are confined to one; and when a key was last used.
CREATE TABLE aegis.room (
  id TEXT COLLATE "C" PRIMARY KEY,
  repository_key TEXT COLLATE "C" NOT NULL UNIQUE,
  record TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version > 0),
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
--> statement-breakpoint
ALTER TABLE aegis.api_key ADD COLUMN room_id TEXT COLLATE "C";
--> statement-breakpoint
-- A room's key is never more than an agent's, whoever writes the row.
ALTER TABLE aegis.api_key ADD COLUMN room_role TEXT COLLATE "C" CHECK (room_role IS NULL OR (role = 'agent' AND room_id IS NOT NULL
  AND room_role IN ('DEVELOPER', 'ADMIN', 'OWNER')));
--> statement-breakpoint
ALTER TABLE aegis.api_key ADD COLUMN last_used_at BIGINT;
--> statement-breakpoint
GRANT SELECT, INSERT, DELETE ON aegis.room TO led_app;
--> statement-breakpoint
GRANT UPDATE (record, version, updated_at) ON aegis.room TO led_app;
--> statement-breakpoint
GRANT UPDATE (last_used_at) ON aegis.api_key TO led_app;
