-- Runs as led_owner, in one transaction (`aegisctl db migrate`). Names and identifiers sort by bytes ("C"): an index of
-- another collation breaks silently when the operating system's locale data change.
CREATE TABLE aegis.ledger_log (
  id SMALLINT PRIMARY KEY CHECK (id = 1),
  origin TEXT COLLATE "C" NOT NULL,
  size BIGINT NOT NULL CHECK (size >= 0),
  replay_from BIGINT NOT NULL,
  frontier BYTEA NOT NULL DEFAULT ''::bytea,
  min_index BIGINT NOT NULL DEFAULT 0,
  epoch BIGINT NOT NULL
) WITH (fillfactor = 10);
--> statement-breakpoint
CREATE TABLE aegis.ledger_session (
  session TEXT COLLATE "C" PRIMARY KEY,
  tenant TEXT COLLATE "C" NOT NULL,
  next_seq BIGINT NOT NULL,
  head_hash TEXT COLLATE "C" NOT NULL,
  status TEXT COLLATE "C" NOT NULL CHECK (status IN ('open', 'closed')),
  manifest_n BIGINT,
  last_n BIGINT NOT NULL
) WITH (fillfactor = 50);
--> statement-breakpoint
-- Nothing that changes with each entry is indexed here: such an update would write to every index of the row.
CREATE INDEX ledger_session_label ON aegis.ledger_session (substr(session, strpos(session, '/') + 1));
--> statement-breakpoint
-- `body` holds the hashed bytes; every other column is a projection of it that `verify` compares.
CREATE TABLE aegis.ledger_entry (
  n BIGINT NOT NULL PRIMARY KEY,
  eid TEXT COLLATE "C",
  session TEXT COLLATE "C",
  seq BIGINT,
  kind TEXT COLLATE "C" NOT NULL,
  env TEXT COLLATE "C",
  ts TEXT COLLATE "C",
  hash TEXT COLLATE "C" NOT NULL,
  prev TEXT COLLATE "C",
  body BYTEA NOT NULL,
  -- RFC 6962 section 2.1: SHA-256(0x00 || body).
  CONSTRAINT ledger_entry_hash CHECK (hash = encode(sha256('\x00'::bytea || body), 'hex'))
) PARTITION BY RANGE (n);
--> statement-breakpoint
CREATE INDEX ledger_entry_env ON aegis.ledger_entry (env) WHERE env IS NOT NULL;
--> statement-breakpoint
-- Committed values with their salts: beside the hashed bytes, and the only thing that can be erased. What is erased is
-- vacuumed away within the minute, not when a fifth of the table is gone.
CREATE TABLE aegis.ledger_payload (
  n BIGINT NOT NULL,
  path TEXT COLLATE "C" NOT NULL,
  salt BYTEA NOT NULL,
  value BYTEA NOT NULL,
  PRIMARY KEY (n, path)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 0);
--> statement-breakpoint
-- Full tiles of the Merkle tree: 256 hashes each. They outlive the rows whose hashes they hold.
CREATE TABLE aegis.ledger_tile (
  level INTEGER NOT NULL,
  idx BIGINT NOT NULL,
  hashes BYTEA NOT NULL CHECK (length(hashes) = 8192),
  PRIMARY KEY (level, idx)
);
--> statement-breakpoint
-- One root a size: two signers cannot publish two histories through one store.
CREATE TABLE aegis.ledger_checkpoint (
  size BIGINT PRIMARY KEY,
  root BYTEA NOT NULL CHECK (length(root) = 32),
  note TEXT NOT NULL
);
--> statement-breakpoint
CREATE TABLE aegis.ledger_anchor (
  size BIGINT NOT NULL,
  sink TEXT COLLATE "C" NOT NULL,
  receipt TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (size, sink)
);
--> statement-breakpoint
CREATE TABLE aegis.ledger_hold (
  session TEXT COLLATE "C" PRIMARY KEY,
  reason TEXT NOT NULL,
  at BIGINT NOT NULL
);
--> statement-breakpoint
-- Who writes to this log. `replay_from` is the oldest intent a gateway has open, null where it has none. A gateway whose
-- time is over is claimed by one other, which closes what it left open; from then on it cannot write any more.
CREATE TABLE aegis.ledger_gateway (
  gateway TEXT COLLATE "C" PRIMARY KEY,
  replay_from BIGINT,
  alive_until TIMESTAMPTZ NOT NULL,
  state TEXT COLLATE "C" NOT NULL CHECK (state IN ('live', 'claimed', 'gone')),
  claimed_by TEXT COLLATE "C"
) WITH (fillfactor = 10);
--> statement-breakpoint
CREATE TABLE aegis.approval (
  id TEXT COLLATE "C" PRIMARY KEY,
  status TEXT COLLATE "C" NOT NULL CHECK (status IN ('pending', 'approved', 'denied', 'expired', 'redeemed')),
  digest TEXT COLLATE "C" NOT NULL,
  principal TEXT COLLATE "C" NOT NULL,
  session TEXT COLLATE "C" NOT NULL,
  queued_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  record TEXT NOT NULL,
  parameters TEXT,
  votes TEXT NOT NULL,
  resolution TEXT
);
--> statement-breakpoint
-- One pending approval an action: a second identical call finds the first, whichever gateway it comes to.
CREATE UNIQUE INDEX approval_pending ON aegis.approval (digest) WHERE status = 'pending';
--> statement-breakpoint
CREATE INDEX approval_digest ON aegis.approval (digest, queued_at);
--> statement-breakpoint
CREATE INDEX approval_due ON aegis.approval (expires_at) WHERE status IN ('pending', 'approved');
--> statement-breakpoint
CREATE INDEX approval_status ON aegis.approval (status, queued_at);
--> statement-breakpoint
CREATE TABLE aegis.api_key (
  id TEXT COLLATE "C" PRIMARY KEY,
  name TEXT NOT NULL,
  owner TEXT NOT NULL,
  sponsor TEXT NOT NULL,
  role TEXT COLLATE "C" NOT NULL,
  hash TEXT COLLATE "C" NOT NULL UNIQUE,
  prefix TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  revoked_at BIGINT
);
--> statement-breakpoint
-- Tokens that must still be revoked, sealed.
CREATE TABLE aegis.pending_revocation (
  id TEXT COLLATE "C" PRIMARY KEY,
  sealed BYTEA NOT NULL,
  api_url TEXT NOT NULL,
  token_sha256 TEXT COLLATE "C" NOT NULL,
  scope TEXT NOT NULL,
  envelope TEXT COLLATE "C" NOT NULL,
  issued_at BIGINT NOT NULL,
  deadline BIGINT NOT NULL,
  attempts INTEGER NOT NULL,
  next_attempt_at BIGINT NOT NULL
);
--> statement-breakpoint
CREATE INDEX pending_revocation_due ON aegis.pending_revocation (next_attempt_at);
--> statement-breakpoint
CREATE FUNCTION aegis.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  RAISE EXCEPTION 'the evidence ledger is append-only' USING ERRCODE = 'restrict_violation';
END $$;
--> statement-breakpoint
-- Rows below `min_index` were pruned; only `aegis.prune` moves it, after its checks.
CREATE FUNCTION aegis.refuse_unpruned_delete() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  IF OLD.n < (SELECT min_index FROM aegis.ledger_log) THEN RETURN OLD; END IF;
  RAISE EXCEPTION 'the evidence ledger is append-only' USING ERRCODE = 'restrict_violation';
END $$;
--> statement-breakpoint
-- A payload goes with an `erase` leaf of the same transaction, or below `min_index`. The head row is moved last, so the
-- leaf's number is not below its size yet.
CREATE FUNCTION aegis.refuse_silent_erasure() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  IF EXISTS (
    SELECT FROM aegis.ledger_log l
    WHERE OLD.n < l.min_index OR EXISTS (SELECT FROM aegis.ledger_entry e WHERE e.n >= l.size AND e.kind = 'erase')
  ) THEN RETURN OLD; END IF;
  RAISE EXCEPTION 'a value is erased only together with the entry that says so' USING ERRCODE = 'restrict_violation';
END $$;
--> statement-breakpoint
-- ENABLE ALWAYS: session_replication_role = replica does not skip them.
CREATE TRIGGER no_update BEFORE UPDATE ON aegis.ledger_entry FOR EACH ROW EXECUTE FUNCTION aegis.refuse_change();
--> statement-breakpoint
CREATE TRIGGER no_delete BEFORE DELETE ON aegis.ledger_entry FOR EACH ROW EXECUTE FUNCTION aegis.refuse_unpruned_delete();
--> statement-breakpoint
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON aegis.ledger_entry EXECUTE FUNCTION aegis.refuse_change();
--> statement-breakpoint
ALTER TABLE aegis.ledger_entry ENABLE ALWAYS TRIGGER no_update, ENABLE ALWAYS TRIGGER no_delete, ENABLE ALWAYS TRIGGER no_truncate;
--> statement-breakpoint
CREATE TRIGGER no_update BEFORE UPDATE ON aegis.ledger_payload FOR EACH ROW EXECUTE FUNCTION aegis.refuse_change();
--> statement-breakpoint
CREATE TRIGGER no_delete BEFORE DELETE ON aegis.ledger_payload FOR EACH ROW EXECUTE FUNCTION aegis.refuse_silent_erasure();
--> statement-breakpoint
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON aegis.ledger_payload EXECUTE FUNCTION aegis.refuse_change();
--> statement-breakpoint
ALTER TABLE aegis.ledger_payload ENABLE ALWAYS TRIGGER no_update, ENABLE ALWAYS TRIGGER no_delete, ENABLE ALWAYS TRIGGER no_truncate;
--> statement-breakpoint
CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON aegis.ledger_tile FOR EACH ROW EXECUTE FUNCTION aegis.refuse_change();
--> statement-breakpoint
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON aegis.ledger_tile EXECUTE FUNCTION aegis.refuse_change();
--> statement-breakpoint
ALTER TABLE aegis.ledger_tile ENABLE ALWAYS TRIGGER no_change, ENABLE ALWAYS TRIGGER no_truncate;
--> statement-breakpoint
CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON aegis.ledger_checkpoint FOR EACH ROW EXECUTE FUNCTION aegis.refuse_change();
--> statement-breakpoint
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON aegis.ledger_checkpoint EXECUTE FUNCTION aegis.refuse_change();
--> statement-breakpoint
ALTER TABLE aegis.ledger_checkpoint ENABLE ALWAYS TRIGGER no_change, ENABLE ALWAYS TRIGGER no_truncate;
--> statement-breakpoint
CREATE TRIGGER no_delete BEFORE DELETE ON aegis.ledger_session FOR EACH ROW EXECUTE FUNCTION aegis.refuse_change();
--> statement-breakpoint
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON aegis.ledger_session EXECUTE FUNCTION aegis.refuse_change();
--> statement-breakpoint
ALTER TABLE aegis.ledger_session ENABLE ALWAYS TRIGGER no_delete, ENABLE ALWAYS TRIGGER no_truncate;
--> statement-breakpoint
CREATE TRIGGER no_delete BEFORE DELETE ON aegis.ledger_log FOR EACH ROW EXECUTE FUNCTION aegis.refuse_change();
--> statement-breakpoint
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON aegis.ledger_log EXECUTE FUNCTION aegis.refuse_change();
--> statement-breakpoint
ALTER TABLE aegis.ledger_log ENABLE ALWAYS TRIGGER no_delete, ENABLE ALWAYS TRIGGER no_truncate;
--> statement-breakpoint
-- A global (session, seq) cannot be an index of a table partitioned by n: across partitions `ledger_session` gives it.
CREATE FUNCTION aegis.add_partition(number BIGINT) RETURNS void LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
  rows_each CONSTANT BIGINT := 5000000;
  name CONSTANT TEXT := format('ledger_entry_p%s', number);
BEGIN
  IF to_regclass('aegis.' || name) IS NOT NULL THEN RETURN; END IF;
  PERFORM set_config('aegis.maintenance', 'on', true);
  -- CREATE ... PARTITION OF would lock readers and writers out; ATTACH does not.
  EXECUTE format('CREATE TABLE aegis.%I (LIKE aegis.ledger_entry INCLUDING ALL)', name);
  EXECUTE format('CREATE UNIQUE INDEX ON aegis.%I (session, seq)', name);
  EXECUTE format('CREATE UNIQUE INDEX ON aegis.%I (eid)', name);
  EXECUTE format('ALTER TABLE aegis.%I ADD CONSTRAINT place CHECK (n >= %s AND n < %s)', name, number * rows_each, (number + 1) * rows_each);
  EXECUTE format('ALTER TABLE aegis.ledger_entry ATTACH PARTITION aegis.%I FOR VALUES FROM (%s) TO (%s)', name, number * rows_each, (number + 1) * rows_each);
  EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON aegis.%I EXECUTE FUNCTION aegis.refuse_change()', name);
  EXECUTE format('ALTER TABLE aegis.%I ENABLE ALWAYS TRIGGER no_update, ENABLE ALWAYS TRIGGER no_delete, ENABLE ALWAYS TRIGGER no_truncate', name);
  PERFORM set_config('aegis.maintenance', 'off', true);
END $$;
--> statement-breakpoint
-- The partition of row `size` and the one after it, made ahead of time.
CREATE FUNCTION aegis.extend(size BIGINT) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  FOR number IN coalesce((SELECT l.min_index / 5000000 FROM aegis.ledger_log l), 0)..(size / 5000000 + 1) LOOP
    PERFORM aegis.add_partition(number);
  END LOOP;
END $$;
--> statement-breakpoint
SELECT aegis.extend(0);
--> statement-breakpoint
-- Numbers are gapless and the log only grows: the head row moves over exactly the rows that were written.
CREATE FUNCTION aegis.head_moved() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
  written BIGINT;
BEGIN
  IF NEW.size = OLD.size THEN RETURN NULL; END IF;
  SELECT count(*) INTO written FROM aegis.ledger_entry WHERE n >= OLD.size AND n < NEW.size;
  IF NEW.size < OLD.size OR written <> NEW.size - OLD.size THEN
    RAISE EXCEPTION 'the evidence ledger is append-only' USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.size / 5000000 <> OLD.size / 5000000 THEN PERFORM aegis.extend(NEW.size); END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER head_moved AFTER UPDATE OF size ON aegis.ledger_log FOR EACH ROW EXECUTE FUNCTION aegis.head_moved();
--> statement-breakpoint
ALTER TABLE aegis.ledger_log ENABLE ALWAYS TRIGGER head_moved;
--> statement-breakpoint
-- With each commit of a gateway: it is alive, and this is its oldest open intent. One whose intents another gateway has
-- closed is stopped here, however late it wakes.
CREATE FUNCTION aegis.renew(name TEXT, oldest BIGINT, lease INTERVAL) RETURNS void LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  UPDATE aegis.ledger_gateway SET replay_from = oldest, alive_until = clock_timestamp() + lease
    WHERE gateway = name AND state = 'live';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'another gateway has taken over what % left open', name USING ERRCODE = 'AEG01';
  END IF;
END $$;
--> statement-breakpoint
CREATE FUNCTION aegis.erase(numbers BIGINT[], paths TEXT[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
  DELETE FROM aegis.ledger_payload p USING unnest(numbers, paths) AS erased (n, path)
  WHERE p.n = erased.n AND p.path = erased.path
$$;
--> statement-breakpoint
CREATE FUNCTION aegis.lift_hold(held TEXT) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
  DELETE FROM aegis.ledger_hold WHERE session = held
$$;
--> statement-breakpoint
-- The one way rows leave the log. Their hashes live on in the tiles.
CREATE FUNCTION aegis.prune(below BIGINT) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  head aegis.ledger_log;
  held TEXT;
  part RECORD;
BEGIN
  SELECT * INTO STRICT head FROM aegis.ledger_log FOR UPDATE;
  IF below % 256 <> 0 OR below > head.size
    OR (SELECT count(*) FROM aegis.ledger_tile WHERE level = 0 AND idx < below / 256) <> below / 256 THEN
    RAISE EXCEPTION 'not all tiles below % are stored', below USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  IF NOT EXISTS (SELECT FROM aegis.ledger_entry WHERE kind = 'prune' AND n >= below) THEN
    RAISE EXCEPTION 'no entry says that the log is pruned below %', below USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  SELECT h.session INTO held FROM aegis.ledger_hold h
    WHERE EXISTS (SELECT FROM aegis.ledger_entry e WHERE e.session = h.session AND e.n < below) LIMIT 1;
  IF held IS NOT NULL THEN
    RAISE EXCEPTION 'session % is under legal hold', held USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  UPDATE aegis.ledger_log SET min_index = greatest(min_index, below);
  DELETE FROM aegis.ledger_payload WHERE n < below;
  PERFORM set_config('aegis.maintenance', 'on', true);
  FOR part IN
    SELECT c.relname FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'aegis.ledger_entry'::regclass
      AND (substr(c.relname, length('ledger_entry_p') + 1)::bigint + 1) * 5000000 <= below
  LOOP
    EXECUTE format('DROP TABLE aegis.%I', part.relname);
  END LOOP;
  PERFORM set_config('aegis.maintenance', 'off', true);
  DELETE FROM aegis.ledger_entry WHERE n < below;
END $$;
--> statement-breakpoint
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA aegis FROM PUBLIC;
--> statement-breakpoint
GRANT USAGE ON SCHEMA aegis TO led_migrate, led_app, led_read, led_retention;
--> statement-breakpoint
GRANT SELECT ON ALL TABLES IN SCHEMA aegis TO led_app;
--> statement-breakpoint
GRANT SELECT ON aegis.schema_migration, aegis.ledger_log, aegis.ledger_session, aegis.ledger_entry, aegis.ledger_payload,
  aegis.ledger_tile, aegis.ledger_checkpoint, aegis.ledger_anchor, aegis.ledger_hold TO led_read, led_retention;
--> statement-breakpoint
GRANT INSERT ON aegis.ledger_log, aegis.ledger_session, aegis.ledger_entry, aegis.ledger_payload, aegis.ledger_tile,
  aegis.ledger_checkpoint, aegis.ledger_anchor, aegis.ledger_hold, aegis.ledger_gateway, aegis.approval, aegis.api_key,
  aegis.pending_revocation TO led_app;
--> statement-breakpoint
GRANT UPDATE (size, replay_from, frontier, epoch) ON aegis.ledger_log TO led_app;
--> statement-breakpoint
GRANT UPDATE (next_seq, head_hash, status, manifest_n, last_n) ON aegis.ledger_session TO led_app;
--> statement-breakpoint
GRANT UPDATE (receipt, at) ON aegis.ledger_anchor TO led_app;
--> statement-breakpoint
GRANT UPDATE (reason, at) ON aegis.ledger_hold TO led_app;
--> statement-breakpoint
GRANT UPDATE (replay_from, alive_until, state, claimed_by) ON aegis.ledger_gateway TO led_app;
--> statement-breakpoint
GRANT UPDATE (status, expires_at, parameters, votes, resolution, record) ON aegis.approval TO led_app;
--> statement-breakpoint
GRANT UPDATE (name, owner, sponsor, role, prefix, revoked_at) ON aegis.api_key TO led_app;
--> statement-breakpoint
GRANT UPDATE (attempts, next_attempt_at), DELETE ON aegis.pending_revocation TO led_app;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION aegis.extend(BIGINT), aegis.erase(BIGINT[], TEXT[]), aegis.lift_hold(TEXT),
  aegis.renew(TEXT, BIGINT, INTERVAL) TO led_app;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION aegis.prune(BIGINT) TO led_retention;
--> statement-breakpoint
-- Where the server knows that right, a gateway may remove at once what it erased.
DO $$
BEGIN
  IF current_setting('server_version_num')::int >= 170000 THEN
    EXECUTE 'GRANT MAINTAIN ON aegis.ledger_payload TO led_app';
  END IF;
END $$;
