import { afterEach, expect, it } from 'vitest'
import type { SessionId } from '../../../src/core/ids.ts'
import { openForReading } from '../../../src/store/sqlite/handle.ts'
import { createLedgerReader } from '../../../src/store/sqlite/ledger-reader.ts'
import { committed, draft } from '../../support/drafts.ts'
import { openEvidence, removeFolder } from '../../support/evidence-store.ts'

const folders: string[] = []
afterEach(() => folders.splice(0).forEach(removeFolder))

it('a reader of SQLite prepares no statement for each session or page: what one holds is freed with the garbage, late', async () => {
  const { folder, file, ledger, close } = await openEvidence()
  folders.push(folder)
  const sessions = ['one', 'two', 'three'].map((label) => `key_a1/${label}` as SessionId)
  for (const session of sessions) await ledger.append({ ...draft({ commitments: committed(session) }), session })
  await close()
  const handle = openForReading(file)
  const prepare = handle.prepare.bind(handle)
  let prepared = 0
  handle.prepare = (sql: string) => {
    prepared += 1
    return prepare(sql)
  }
  const reader = createLedgerReader(handle)
  const before = prepared
  let values = 0
  for (const session of sessions) {
    await reader.session(session)
    await reader.leaves(session, 'manifest')
    for await (const page of reader.sessionEntries(session))
      values += page.reduce((sum, { payloads }) => sum + payloads.length, 0)
  }
  for await (const page of reader.entries(0)) values += page.length
  expect({ values, prepared: prepared - before }).toEqual({ values: 7, prepared: 0 })
  handle.close()
})

it('a reader of SQLite lets the event loop turn before each page: only then what the page before held is freed', async () => {
  const { folder, file, ledger, close } = await openEvidence()
  folders.push(folder)
  const sessions = Array.from({ length: 20 }, (_, index) => `key_a1/s${index}` as SessionId)
  for (const session of sessions) await ledger.append({ ...draft({ commitments: committed('x') }), session })
  await close()
  const handle = openForReading(file)
  const reader = createLedgerReader(handle)
  let turns = 0
  const count = (): void => {
    turns += 1
    counting = setImmediate(count)
  }
  let counting = setImmediate(count)
  for (const session of sessions) for await (const page of reader.sessionEntries(session)) expect(page).toHaveLength(1)
  for await (const page of reader.entries(0)) expect(page.length).toBeGreaterThan(0)
  clearImmediate(counting)
  expect(turns).toBeGreaterThanOrEqual(sessions.length)
  handle.close()
})
