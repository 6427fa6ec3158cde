-- Keys that expire; and one administrator's key that never does.
ALTER TABLE aegis.api_key ADD COLUMN expires_at BIGINT;
--> statement-breakpoint
-- Whoever writes the row: without an administrator nobody could make another.
CREATE FUNCTION aegis.keep_admin() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  -- Of two that end each other's key at the same time, the second waits here and then sees what the first did.
  PERFORM pg_catalog.pg_advisory_xact_lock(4712019);
  IF NOT EXISTS (SELECT FROM aegis.api_key
    WHERE role = 'admin' AND id <> OLD.id AND revoked_at IS NULL AND expires_at IS NULL) THEN
    RAISE EXCEPTION 'the last admin key that does not expire' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION aegis.keep_admin() FROM PUBLIC;
--> statement-breakpoint
CREATE TRIGGER keep_admin BEFORE UPDATE ON aegis.api_key FOR EACH ROW
  WHEN (OLD.role = 'admin' AND OLD.revoked_at IS NULL AND OLD.expires_at IS NULL
    AND (NEW.role <> 'admin' OR NEW.revoked_at IS NOT NULL OR NEW.expires_at IS NOT NULL))
  EXECUTE FUNCTION aegis.keep_admin();
--> statement-breakpoint
GRANT UPDATE (expires_at) ON aegis.api_key TO led_app;
