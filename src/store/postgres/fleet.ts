import { AegisError } from '../../core/errors.ts'
import { type Departed, type Fleet, type SealedBatch, StoreError, type StoreFault } from '../../ledger/store.ts'
import type { Membership } from './append-statement.ts'
import type { Pool } from './connection.ts'
import { sqlState, storeError } from './failures.ts'

/** How long a gateway counts as alive after it was last heard of, by the database's clock. */
const LEASE = '15 seconds'
const RENEW_MS = 5000

export interface FleetMember {
  readonly fleet: Fleet
  /** Goes with each write: fences this gateway. */
  readonly membership: (batch: SealedBatch) => Membership
  /** Why this gateway may not write any more, or null. */
  fault(): StoreFault | null
}

const JOIN = `INSERT INTO aegis.ledger_gateway (gateway, alive_until, state)
  VALUES ($1, clock_timestamp() + interval '${LEASE}', 'live') ON CONFLICT DO NOTHING RETURNING gateway`
/**
 * Dead: it said so when it stopped; or it was not heard of for as long again after its lease, by one that itself was alive
 * without a gap meanwhile. An outage of the database, or a failover, ends everybody's lease: who comes back first must not take
 * the others for dead.
 */
const dead = (gateway: string) => `(${gateway}.alive_until = '-infinity'
    OR ${gateway}.alive_until < clock_timestamp() - interval '${LEASE}'
      AND own.live_since < clock_timestamp() - interval '${LEASE}' AND own.alive_until >= clock_timestamp())`
/** Also what one has claimed that is dead itself. */
const CLAIM = `UPDATE aegis.ledger_gateway g SET state = 'claimed', claimed_by = $1 FROM aegis.ledger_gateway own
  WHERE own.gateway = $1 AND own.state = 'live' AND g.gateway <> $1 AND (
    g.state = 'live' AND ${dead('g')}
    OR g.state = 'claimed' AND NOT EXISTS (
      SELECT FROM aegis.ledger_gateway c
      WHERE c.gateway = g.claimed_by AND c.gateway <> $1 AND c.state = 'live' AND NOT ${dead('c')}
    )
  ) RETURNING g.gateway, g.replay_from`
const UNKNOWN = `INSERT INTO aegis.ledger_gateway (gateway, replay_from, alive_until, state, claimed_by)
  SELECT gateway, n, '-infinity', 'claimed', $1 FROM unnest($2::text[], $3::bigint[]) AS seen (gateway, n) ON CONFLICT DO NOTHING`
const SETTLED = `UPDATE aegis.ledger_gateway SET state = 'gone', replay_from = NULL
  WHERE gateway = ANY($2::text[]) AND state = 'claimed' AND claimed_by = $1`
const LEAVE = `UPDATE aegis.ledger_gateway
  SET alive_until = '-infinity', state = CASE WHEN replay_from IS NULL THEN 'gone' ELSE state END
  WHERE gateway = $1 AND state = 'live'`
const STILL = `UPDATE aegis.ledger_gateway SET alive_until = clock_timestamp() + interval '${LEASE}',
    live_since = CASE WHEN alive_until < clock_timestamp() THEN clock_timestamp() ELSE live_since END
  WHERE gateway = $1 AND state = 'live' RETURNING gateway`

export function createFleet(pool: Pool): FleetMember {
  let own: string | null = null
  let fault: StoreFault | null = null
  let timer: NodeJS.Timeout | null = null

  async function renew(gateway: string): Promise<void> {
    const { rows } = await pool.query(STILL, [gateway])
    const why = `another gateway has taken over what ${gateway} left open`
    if (rows.length === 0) fault = { failure: 'superseded', why }
  }

  async function claim(seen: readonly Departed[]): Promise<readonly Departed[]> {
    const places = seen.map(({ replayFrom }) => replayFrom)
    if (seen.length > 0) await pool.query(UNKNOWN, [member(), seen.map(({ gateway }) => gateway), places])
    const { rows } = await pool.query<{ gateway: string; replay_from: number | null }>(CLAIM, [member()])
    const departed = rows.flatMap(({ gateway, replay_from: replayFrom }) =>
      replayFrom === null ? [] : [{ gateway, replayFrom }],
    )
    const clean = rows.filter((row) => row.replay_from === null).map(({ gateway }) => gateway)
    if (clean.length > 0) await settled(clean)
    return departed
  }

  async function settled(gateways: readonly string[]): Promise<void> {
    await pool.query(SETTLED, [member(), [...gateways]])
  }

  function member(): string {
    if (own === null) throw new AegisError('internal', 'this store has not joined as a gateway')
    return own
  }

  return {
    fleet: {
      async join(gateway) {
        const { rows } = await pool.query(JOIN, [gateway])
        if (rows.length === 0) throw new AegisError('conflict', `there is a gateway called ${gateway} in this log`)
        own = gateway
        // Where the database is away, the next commit says so; the lease is the database's own affair.
        timer = setInterval(() => void renew(gateway).catch(() => {}), RENEW_MS)
        timer.unref()
      },
      claim: (seen = []) => claim(seen).catch(rethrow),
      settled: (gateways) => settled(gateways).catch(rethrow),
      async leave() {
        if (timer !== null) clearInterval(timer)
        if (own !== null) await pool.query(LEAVE, [own]).catch(rethrow)
        own = null
      },
    },
    membership: ({ log }) => ({
      ...{ member: own, lease: LEASE },
      oldest: log.replayFrom < log.size ? log.replayFrom : null,
    }),
    fault: () => fault,
  }
}

function rethrow(error: unknown): never {
  throw error instanceof StoreError || sqlState(error) !== null ? storeError(error) : error
}
