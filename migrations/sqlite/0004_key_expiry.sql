-- Keys that expire; and one administrator's key that never does.
ALTER TABLE api_key ADD COLUMN expires_at INTEGER;
--> statement-breakpoint
-- Whoever writes the row: without an administrator nobody could make another.
CREATE TRIGGER api_key_keep_admin BEFORE UPDATE ON api_key
WHEN OLD.role = 'admin' AND OLD.revoked_at IS NULL AND OLD.expires_at IS NULL
  AND (NEW.role <> 'admin' OR NEW.revoked_at IS NOT NULL OR NEW.expires_at IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM api_key WHERE role = 'admin' AND id <> OLD.id AND revoked_at IS NULL AND expires_at IS NULL)
BEGIN SELECT RAISE(ABORT, 'the last admin key that does not expire'); END;
