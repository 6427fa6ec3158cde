import { afterAll, beforeAll, expect, it } from 'vitest'
import type { SessionId } from '../../src/core/ids.ts'
import { createKeyring } from '../../src/identity/index.ts'
import { createEvidenceDesk } from '../../src/oversight/evidence.ts'
import { createCursors } from '../../src/search/index.ts'
import { draft, frozenClock, random } from '../support/drafts.ts'
import { type EvidenceStore, openEvidence, removeFolder } from '../support/evidence-store.ts'

let evidence: EvidenceStore
beforeAll(async () => {
  evidence = await openEvidence()
})
afterAll(async () => {
  await evidence.close()
  removeFolder(evidence.folder)
})

it('the largest page of sessions says that there are more', async () => {
  const { stores, ledger } = evidence
  await Promise.all(
    Array.from({ length: 1001 }, (_, at) => ledger.append(draft({ session: `key_a1/s${at}` as SessionId }))),
  )
  const keyring = createKeyring({ store: stores.keys, clock: frozenClock(), random })
  const { record } = await keyring.issue({ name: 'vera', owner: 'vera', sponsor: 'vera', role: 'viewer' })
  const nothing = async () => {
    throw new Error('not asked for')
  }
  const desk = createEvidenceDesk({
    ...{ ledger, reader: stores.ledger, cursors: createCursors(random.bytes(32)) },
    ...{ anchorStatus: nothing, scrubbed: nothing, sessionReport: nothing, rotateLogKey: nothing },
  })
  const page = await desk.sessionPage(record, { first: 1000, after: null })
  expect([page.sessions.length, page.more]).toEqual([1000, true])
  const last = page.sessions.at(-1)
  const rest = await desk.sessionPage(record, { first: 1000, after: last === undefined ? null : page.cursorOf(last) })
  expect([rest.sessions.length, rest.more]).toEqual([1, false])
})
