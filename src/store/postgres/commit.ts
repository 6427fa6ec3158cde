import { type CommitRequest, isLasting, type SealedBatch, StoreError } from '../../ledger/store.ts'
import { type Membership, writeStatement } from './append-statement.ts'
import { createApplySlot } from './approval-changes.ts'
import { int8Array, textArray } from './binary-arrays.ts'
import { type Client, type Pool, withClient } from './connection.ts'
import { reasonOf, sqlState, storeError } from './failures.ts'
import { createLogMemory, type Known, type LogMemory } from './log-memory.ts'
import { headOf, sessionOf } from './rows.ts'
import { Failed, send } from './transaction.ts'

/** Milliseconds to find out, after a lost connection, whether a batch was written: a failover may take as long. */
const RESOLVE_WITHIN = 60_000
const RETRY_AFTER = 250
/** Connections that died while they were idle are found by the first statement; each is tried once. */
const LOCK_ATTEMPTS = 3

const EXPECT = 'SELECT aegis.expect_log($1, $2, $3, $4)'
/** SQLSTATE of `aegis.expect_log`: another gateway has written. */
const GROWN = 'AEG02'

export interface CommitContext {
  readonly pool: Pool
  readonly begin: string
  readonly synchronousCommit: string
  /** Fences a gateway whose intents another has closed; goes with each write. */
  readonly membership: (batch: SealedBatch) => Membership
}

/**
 * The group commit. A gateway that found the log as it left it seals the next group over what it remembers, and writes it in
 * one round trip; where another has written meanwhile, that writes nothing, and the group is sealed again under the lock: two
 * round trips, with the head row locked for one and a half of them.
 */
export function createCommit(context: CommitContext): (request: CommitRequest) => Promise<void> {
  const memory = createLogMemory()

  return async (request) => {
    const known = memory.recall(request)
    if (known !== null && (await writeAhead(context, memory, known, request))) return
    const { client, state, epoch } = await locked(context, request)
    let batch: SealedBatch
    try {
      if (state.log.size < memory.size) throw shorter(memory.size, state.log.size)
      batch = request.seal(state)
    } catch (error) {
      await abandon(client)
      throw storeError(error)
    }
    await write(context, client, batch)
    memory.keep(batch, epoch, state)
  }
}

/** False where nothing was written, and nothing will be. @throws StoreError */
async function writeAhead(
  context: CommitContext,
  memory: LogMemory,
  { state, epoch }: Known,
  request: CommitRequest,
): Promise<boolean> {
  const client = await context.pool.connect().catch((error: unknown) => {
    throw storeError(error)
  })
  let batch: SealedBatch
  try {
    batch = request.seal(state)
  } catch (error) {
    client.release()
    throw storeError(error)
  }
  try {
    const expected = [context.synchronousCommit, state.log.size, epoch, state.log.frontier]
    const { tags } = await send(client, [
      { sql: 'BEGIN' },
      { sql: EXPECT, values: expected },
      writeStatement(batch, context.membership(batch)),
      { sql: 'COMMIT' },
    ])
    client.release()
    if (tags.at(-1) !== 'COMMIT') throw new StoreError('busy', 'the transaction was rolled back', undefined)
  } catch (error) {
    memory.forget()
    if (!(error instanceof Failed)) throw storeError(error)
    const outdated = sqlState(error.cause) === GROWN
    client.release(!outdated)
    if (outdated) return false
    if (error.refused) throw storeError(error.cause)
    return wasWritten(context, batch, error.cause)
  }
  memory.keep(batch, epoch, state)
  return true
}

function shorter(seen: number, size: number): StoreError {
  const why = `the log has ${size} entries and had ${seen} before: the database was put back to an older state`
  return new StoreError('damaged', why, undefined)
}

interface Locked extends Known {
  readonly client: Client
}

async function locked(context: CommitContext, request: CommitRequest): Promise<Locked> {
  for (let attempt = 1; ; attempt += 1) {
    let client: Client | null = null
    try {
      client = await context.pool.connect()
      return { client, ...(await lock(client, context.synchronousCommit, request)) }
    } catch (error) {
      if (client !== null) await abandon(client)
      const lost = error instanceof Failed && !error.refused
      if (!lost || attempt === LOCK_ATTEMPTS) throw storeError(error instanceof Failed ? error.cause : error)
    }
  }
}

const LOCK = 'SELECT * FROM aegis.lock_log($1, $2)'

/** The first row is the head of the log, the others are heads of sessions. */
async function lock(client: Client, synchronousCommit: string, request: CommitRequest): Promise<Known> {
  const { rows } = await send(client, [
    { sql: 'BEGIN' },
    { sql: LOCK, values: [synchronousCommit, textArray(request.sessions)] },
  ])
  const [head, ...heads] = rows[1] ?? []
  const log = headOf(head)
  if (log === null) throw new StoreError('damaged', 'the log has no head row', undefined)
  const apply = createApplySlot(client)
  const held: boolean[] = []
  for (const slot of request.slots) held.push(await apply(slot))
  const sessions = heads.map(sessionOf).map((one) => [one.session, one] as const)
  return { state: { log, sessions: new Map(sessions), held }, epoch: Number(head?.['epoch']) }
}

async function write(context: CommitContext, client: Client, batch: SealedBatch): Promise<void> {
  try {
    // COMMIT goes with what it commits: where a statement before it failed, it is a ROLLBACK.
    const statements = [writeStatement(batch, context.membership(batch)), { sql: 'COMMIT' }]
    const { tags } = await send(client, statements)
    client.release()
    if (tags.at(-1) !== 'COMMIT') throw new StoreError('busy', 'the transaction was rolled back', undefined)
  } catch (error) {
    if (!(error instanceof Failed)) throw storeError(error)
    await abandon(client)
    if (error.refused) throw storeError(error.cause)
    if (await wasWritten(context, batch, error.cause)) return
    throw new StoreError('unreachable', `the connection was lost (${reasonOf(error.cause)})`, error.cause)
  }
}

/** The connection is closed, not used again: whatever it was doing, the server then rolls back. */
async function abandon(client: Client): Promise<void> {
  client.release(true)
}

/**
 * COMMIT was sent and no answer came. All of the batch is there, or nothing: its own rows tell which.
 * @throws StoreError `unsettled` where it cannot be found out
 */
async function wasWritten(context: CommitContext, batch: SealedBatch, cause: unknown): Promise<boolean> {
  if (batch.entries.length === 0) return true
  const deadline = performance.now() + RESOLVE_WITHIN
  for (;;) {
    const found = await countWritten(context, batch).catch((error: unknown) => storeError(error))
    if (found === batch.entries.length) return true
    if (found === 0) return false
    if (typeof found === 'number') {
      const why = `${found} of the ${batch.entries.length} entries of one transaction were found`
      throw new StoreError('damaged', why, cause)
    }
    if (performance.now() > deadline || isLasting(found.failure)) {
      throw new StoreError('unsettled', `whether entries were written cannot be found out: ${found.message}`, cause)
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER))
  }
}

/**
 * Takes the head row first: a lost transaction that held it has ended when we get it, and one that has not come so far finds
 * another epoch. And writes: where this is durable (and on a synchronous standby), so is what came before it.
 */
function countWritten({ pool, begin }: CommitContext, { entries }: SealedBatch): Promise<number> {
  const count = `SELECT count(*) AS count FROM aegis.ledger_entry e
    JOIN unnest($1::int8[], $2::text[]) AS w (n, hash) ON w.n = e.n AND w.hash = e.hash`
  return withClient(pool, async (client) => {
    const { rows, tags } = await send(client, [
      { sql: begin },
      { sql: 'UPDATE aegis.ledger_log SET epoch = epoch + 1 WHERE id = 1' },
      { sql: count, values: [int8Array(entries.map(({ n }) => n)), textArray(entries.map(({ hash }) => hash))] },
      { sql: 'COMMIT' },
    ]).catch((error: unknown) => {
      throw error instanceof Failed ? error.cause : error
    })
    if (tags.at(-1) !== 'COMMIT') throw new StoreError('busy', 'the transaction was rolled back', undefined)
    return Number(rows[2]?.[0]?.['count'])
  })
}
