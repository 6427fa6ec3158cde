-- What a group commit does, as two calls: the server keeps their plans, so a group costs it a fifth of the work that separate
-- statements do, and needs no statements prepared by name, which poolers of transactions lose.

-- Limits of this transaction only: behind a pooler there is no session of ours.
CREATE FUNCTION aegis.limit_transaction(durability TEXT) RETURNS void LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  PERFORM set_config('synchronous_commit', durability, true), set_config('lock_timeout', '2s', true),
    set_config('statement_timeout', '3s', true), set_config('idle_in_transaction_session_timeout', '2s', true);
END $$;
--> statement-breakpoint
-- Takes the head row's lock, and gives the head (`session` null) and the session heads as they are once it is held: each
-- statement of a volatile function sees what was committed while the one before it waited.
CREATE FUNCTION aegis.lock_log(durability TEXT, wanted TEXT[]) RETURNS TABLE (
  origin TEXT, size BIGINT, replay_from BIGINT, frontier BYTEA, min_index BIGINT, epoch BIGINT,
  session TEXT, tenant TEXT, next_seq BIGINT, head_hash TEXT, status TEXT, manifest_n BIGINT, last_n BIGINT
) LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  PERFORM aegis.limit_transaction(durability);
  RETURN QUERY SELECT l.origin, l.size, l.replay_from, l.frontier, l.min_index, l.epoch,
      NULL::text, NULL::text, NULL::bigint, NULL::text, NULL::text, NULL::bigint, NULL::bigint
    FROM aegis.ledger_log l WHERE l.id = 1 FOR UPDATE;
  RETURN QUERY SELECT NULL::text, NULL::bigint, NULL::bigint, NULL::bytea, NULL::bigint, NULL::bigint,
      s.session, s.tenant, s.next_seq, s.head_hash, s.status, s.manifest_n, s.last_n
    FROM aegis.ledger_session s WHERE s.session = ANY (wanted);
END $$;
--> statement-breakpoint
-- Takes the head row's lock where the log is as a gateway left it; where it is not, what that gateway made does not fit.
-- `epoch` moves when a gateway looks for a write whose answer was lost: from then on that write cannot arrive any more.
CREATE FUNCTION aegis.expect_log(durability TEXT, expected_size BIGINT, expected_epoch BIGINT, expected_frontier BYTEA) RETURNS void
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  PERFORM aegis.limit_transaction(durability);
  PERFORM FROM aegis.ledger_log l
    WHERE l.id = 1 AND l.size = expected_size AND l.epoch = expected_epoch AND l.frontier = expected_frontier FOR UPDATE;
  IF NOT FOUND THEN RAISE EXCEPTION 'the log has grown meanwhile' USING ERRCODE = 'AEG02'; END IF;
END $$;
--> statement-breakpoint
-- Writes what one group appends. `member` null: a gateway that has not joined, which nothing fences.
CREATE FUNCTION aegis.append(
  member TEXT, oldest BIGINT, lease INTERVAL, new_size BIGINT, new_replay_from BIGINT, new_frontier BYTEA,
  n BIGINT[], eid TEXT[], session TEXT[], seq BIGINT[], kind TEXT[], env TEXT[], ts TEXT[], hash TEXT[], prev TEXT[], body BYTEA[],
  payload_n BIGINT[], path TEXT[], salt BYTEA[], value BYTEA[],
  head_session TEXT[], tenant TEXT[], next_seq BIGINT[], head_hash TEXT[], status TEXT[], manifest_n BIGINT[], last_n BIGINT[],
  erased_n BIGINT[], erased_path TEXT[]
) RETURNS void LANGUAGE plpgsql SET search_path = '' AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO aegis.ledger_entry (n, eid, session, seq, kind, env, ts, hash, prev, body)
    SELECT * FROM unnest(append.n, append.eid, append.session, append.seq, append.kind, append.env, append.ts, append.hash,
      append.prev, append.body);
  IF cardinality(payload_n) > 0 THEN
    INSERT INTO aegis.ledger_payload (n, path, salt, value)
      SELECT * FROM unnest(append.payload_n, append.path, append.salt, append.value);
  END IF;
  IF cardinality(head_session) > 0 THEN
    INSERT INTO aegis.ledger_session (session, tenant, next_seq, head_hash, status, manifest_n, last_n)
      SELECT * FROM unnest(append.head_session, append.tenant, append.next_seq, append.head_hash, append.status,
        append.manifest_n, append.last_n)
      ON CONFLICT (session) DO UPDATE SET next_seq = excluded.next_seq, head_hash = excluded.head_hash,
        status = excluded.status, manifest_n = excluded.manifest_n, last_n = excluded.last_n;
  END IF;
  IF cardinality(erased_n) > 0 THEN PERFORM aegis.erase(erased_n, erased_path); END IF;
  IF member IS NOT NULL THEN PERFORM aegis.renew(member, oldest, lease); END IF;
  -- Last: it is checked against the rows it moves over.
  UPDATE aegis.ledger_log l SET size = new_size, frontier = new_frontier,
    replay_from = least(new_replay_from, (SELECT min(g.replay_from) FROM aegis.ledger_gateway g WHERE g.state <> 'gone'))
    WHERE l.id = 1;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION aegis.limit_transaction, aegis.lock_log, aegis.expect_log, aegis.append FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION aegis.limit_transaction, aegis.lock_log, aegis.expect_log, aegis.append TO led_app;
--> statement-breakpoint
-- Since when it has been alive without a gap: who was cut off itself cannot tell that others are dead.
ALTER TABLE aegis.ledger_gateway ADD COLUMN live_since TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp();
--> statement-breakpoint
GRANT UPDATE (live_since) ON aegis.ledger_gateway TO led_app;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION aegis.renew(name TEXT, oldest BIGINT, lease INTERVAL) RETURNS void LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  UPDATE aegis.ledger_gateway SET replay_from = oldest, alive_until = clock_timestamp() + lease,
      live_since = CASE WHEN alive_until < clock_timestamp() THEN clock_timestamp() ELSE live_since END
    WHERE gateway = name AND state = 'live';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'another gateway has taken over what % left open', name USING ERRCODE = 'AEG01';
  END IF;
END $$;
