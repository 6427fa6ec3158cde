import { statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { AegisError } from '../../core/errors.ts'
import type {
  CommitRequest,
  LedgerStore,
  SealedBatch,
  SessionHead,
  StoreFault,
  StoreHealth,
} from '../../ledger/store.ts'
import { type ApplyChange, createApplyChange } from './approval-changes.ts'
import { createBulkInsert } from './bulk-insert.ts'
import { durability, type Handle, prepare, storeError } from './handle.ts'
import { createLedgerReader, headOf, prepareHead, prepareSessions, sessionOf } from './ledger-reader.ts'
import { scour } from './scour.ts'
import type { Snapshots } from './snapshots.ts'
import { createTreeWriter } from './tree.ts'
import type { WalSync } from './wal-sync.ts'

/** The log in one SQLite file. A commit is one turn of the event loop, nothing comes between its steps; its sync is not. */
export function createLedgerStore(handle: Handle, wal: WalSync, file: string, snapshots: Snapshots): LedgerStore {
  const begin = prepare(handle, 'BEGIN IMMEDIATE')
  const commit = prepare(handle, 'COMMIT')
  const head = prepareHead(handle)
  const sessions = prepareSessions(handle)
  const slot = createSlot(handle)
  const write = createWrite(handle)
  const identity = identityOf(file)

  function heads(wanted: readonly string[]): Map<string, SessionHead> {
    const found = wanted.length === 0 ? [] : sessions.all([JSON.stringify(wanted)])
    return new Map(found.flatMap((row) => sessionOf(row) ?? []).map((head) => [head.session, head]))
  }

  function inTransaction(work: () => void): void {
    wal.demandSound()
    try {
      begin.run([])
      work()
      commit.run([])
    } catch (error) {
      rollback(handle)
      throw storeError(error)
    }
  }

  return {
    ...createLedgerReader(handle),
    // The writer's lock: one process.
    fleet: null,
    ...createTreeWriter(handle, inTransaction, wal.sync),
    settings: { ...durability(handle), wal: 'fdatasync before each acknowledgement' },
    async initialize(origin) {
      inTransaction(() => {
        const sql =
          'INSERT INTO ledger_log (id, origin, size, replay_from, epoch) VALUES (1, ?, 0, 0, 1) ON CONFLICT DO NOTHING'
        prepare(handle, sql).run([origin])
      })
      const found = headOf(head.get([]))
      if (found === null) throw new AegisError('internal', 'the log has no head row')
      return found
    },
    async commit(request: CommitRequest) {
      inTransaction(() => {
        const log = headOf(head.get([]))
        if (log === null) throw new AegisError('internal', 'the log has no head row')
        const held = request.slots.map(slot)
        write(request.seal({ log, sessions: heads(request.sessions), held }))
      })
      await wal.sync()
    },
    async probe() {
      inTransaction(() => handle.exec('UPDATE ledger_log SET epoch = epoch + 1'))
      await wal.sync()
    },
    scour: (gone) => scour(handle, file, gone),
    health: () => healthOf(file, identity),
    snapshot: async () => snapshots.open(),
  }
}

/** A slot's changes hold together or leave no trace. */
function createSlot(
  handle: Handle,
): (changes: Parameters<ApplyChange>[0][] | CommitRequest['slots'][number]) => boolean {
  const apply = createApplyChange(handle)
  const savepoint = prepare(handle, 'SAVEPOINT slot')
  const undo = prepare(handle, 'ROLLBACK TO slot')
  const release = prepare(handle, 'RELEASE slot')
  return (changes) => {
    if (changes.length === 0) return true
    savepoint.run([])
    const held = changes.every(apply)
    if (!held) undo.run([])
    release.run([])
    return held
  }
}

const ENTRY_COLUMNS = ['n', 'eid', 'session', 'seq', 'kind', 'env', 'ts', 'hash', 'prev', 'body']
const SESSION_COLUMNS = ['session', 'tenant', 'next_seq', 'head_hash', 'status', 'manifest_n', 'last_n']

function createWrite(handle: Handle): (batch: SealedBatch) => void {
  const entries = createBulkInsert(handle, 'ledger_entry', ENTRY_COLUMNS)
  const payloads = createBulkInsert(handle, 'ledger_payload', ['n', 'path', 'salt', 'value'])
  const sessions = createBulkInsert(
    handle,
    'ledger_session',
    SESSION_COLUMNS,
    `ON CONFLICT (session) DO UPDATE SET next_seq = excluded.next_seq, head_hash = excluded.head_hash,
       status = excluded.status, manifest_n = excluded.manifest_n, last_n = excluded.last_n`,
  )
  const erase = prepare(handle, 'DELETE FROM ledger_payload WHERE n = ? AND path = ?')
  const log = prepare(handle, 'UPDATE ledger_log SET size = ?, replay_from = ?, frontier = ? WHERE id = 1')
  return (batch) => {
    entries(batch.entries.map((e) => [e.n, e.eid, e.session, e.seq, e.kind, e.env, e.ts, e.hash, e.prev, e.body]))
    payloads(batch.payloads.map((p) => [p.n, p.path, p.salt, p.value]))
    sessions(batch.sessions.map((s) => [s.session, s.tenant, s.nextSeq, s.headHash, s.status, s.manifestN, s.lastN]))
    for (const { n, path } of batch.erased) erase.run([n, path])
    log.run([batch.log.size, batch.log.replayFrom, batch.log.frontier])
  }
}

function rollback(handle: Handle): void {
  try {
    if (handle.inTransaction) handle.exec('ROLLBACK')
  } catch {
    // The failure that brought us here is the one to report; SQLite has rolled back by itself or the handle is lost.
  }
}

interface Identity {
  readonly inode: number
  readonly device: number
}

function identityOf(file: string): Identity {
  const { ino: inode, dev: device } = statSync(file)
  return { inode, device }
}

/** A file that was replaced or unlinked under us would take writes that nobody can ever read. */
function healthOf(file: string, identity: Identity): StoreHealth {
  try {
    const { ino, dev } = statSync(file)
    const { bavail, bsize } = statfsSync(dirname(file))
    const same = ino === identity.inode && dev === identity.device
    return { freeBytes: bavail * bsize, fault: same ? null : replaced(`${file} was replaced while Aegis was running`) }
  } catch {
    return { freeBytes: null, fault: replaced(`${file} was removed while Aegis was running`) }
  }
}

function replaced(why: string): StoreFault {
  return { failure: 'replaced', why }
}
