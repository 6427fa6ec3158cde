import type { Client } from './connection.ts'
import { sqlState } from './failures.ts'

/**
 * Stops a slip of an owner or administrator (DROP, DETACH PARTITION, DISABLE TRIGGER): with no trigger of a row firing, whole
 * stretches of the log would vanish. Who means to can lift it; `verify` then tells. Needs a superuser.
 */
const STATEMENTS = [
  // In a schema of its own: with the tables' schema, the guard would fall before it is asked.
  'CREATE SCHEMA IF NOT EXISTS aegis_guard',
  `CREATE OR REPLACE FUNCTION aegis_guard.definitions() RETURNS event_trigger LANGUAGE plpgsql SET search_path = '' AS $$
  DECLARE
    touched BOOLEAN;
  BEGIN
    IF pg_catalog.current_setting('aegis.maintenance', true) = 'on' THEN RETURN; END IF;
    IF TG_EVENT = 'sql_drop' THEN
      SELECT EXISTS (SELECT FROM pg_catalog.pg_event_trigger_dropped_objects()
        WHERE schema_name = 'aegis' OR object_type = 'schema' AND object_name = 'aegis') INTO touched;
    ELSE
      SELECT EXISTS (SELECT FROM pg_catalog.pg_event_trigger_ddl_commands() WHERE schema_name = 'aegis') INTO touched;
    END IF;
    IF touched THEN
      RAISE EXCEPTION 'the evidence ledger is append-only' USING ERRCODE = 'restrict_violation',
        HINT = 'Who must change its definition sets aegis.maintenance to on first.';
    END IF;
  END $$`,
  'REVOKE ALL ON FUNCTION aegis_guard.definitions() FROM PUBLIC',
  `CREATE EVENT TRIGGER aegis_guard_drop ON sql_drop EXECUTE FUNCTION aegis_guard.definitions()`,
  `CREATE EVENT TRIGGER aegis_guard_change ON ddl_command_end
    WHEN TAG IN ('ALTER TABLE', 'ALTER TRIGGER', 'ALTER FUNCTION', 'CREATE FUNCTION', 'CREATE RULE', 'CREATE TRIGGER')
    EXECUTE FUNCTION aegis_guard.definitions()`,
  'ALTER EVENT TRIGGER aegis_guard_drop ENABLE ALWAYS',
  'ALTER EVENT TRIGGER aegis_guard_change ENABLE ALWAYS',
]

/** Returns warnings: what could not be done, and what that means. */
export async function guardDefinitions(client: Client): Promise<readonly string[]> {
  const found = await client.query("SELECT FROM pg_event_trigger WHERE evtname = 'aegis_guard_drop'")
  if (found.rows.length > 0) return []
  try {
    await client.query('BEGIN')
    await client.query("SELECT set_config('aegis.maintenance', 'on', true)")
    for (const statement of STATEMENTS) await client.query(statement)
    await client.query('COMMIT')
    return []
  } catch (error) {
    await client.query('ROLLBACK')
    // 42501: only a superuser may make event triggers.
    if (sqlState(error) !== '42501') throw error
    return ['no guard against DROP, DETACH and DISABLE TRIGGER: only a superuser can set one; `verify` still tells']
  }
}
