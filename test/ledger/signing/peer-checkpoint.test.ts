import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { appendLeaves, EMPTY, type Frontier, rootOf } from '../../../src/ledger/merkle/tree.ts'
import { keysInForce } from '../../../src/ledger/notes/trust-policy.ts'
import { parseVkey, type VerifierKey } from '../../../src/ledger/notes/vkey.ts'
import { peerCheckpoint } from '../../../src/ledger/signing/peer-checkpoint.ts'
import { nextLogKey, readTrust } from '../../../src/store/files/log-key.ts'
import { draft, random } from '../../support/drafts.ts'
import {
  type EvidenceStore,
  ORIGIN,
  openEvidence,
  removeFolder,
  signingIn,
  temporaryFolder,
} from '../../support/evidence-store.ts'
import { DISARM, sqlite } from '../../support/sqlite-shell.ts'

let folder: string
let evidence: EvidenceStore
let known: VerifierKey[]

beforeEach(async () => {
  folder = temporaryFolder()
  evidence = await openEvidence(folder, signingIn(folder))
  await Promise.all(Array.from({ length: 700 }, () => evidence.ledger.append(draft())))
  await evidence.ledger.sign()
  const trust = readTrust(join(folder, 'log.vkey'))
  known = trust === null ? [] : keysInForce(trust, 1)
})
afterEach(async () => {
  await evidence.close()
  removeFolder(folder)
})

async function frontierAt(size: number): Promise<Frontier> {
  return appendLeaves(EMPTY, await evidence.stores.ledger.leafHashes(0, size))
}

const found = async (last: Frontier, keys = known) => peerCheckpoint(evidence.stores.ledger, ORIGIN, keys, last)

describe('a checkpoint that another gateway signed', () => {
  it('is gone on from, where it is proven to continue what we signed ourselves', async () => {
    for (const size of [0, 1, 255, 256, 400]) {
      const peer = await found(await frontierAt(size))
      expect(peer?.checkpoint).toEqual(await evidence.stores.ledger.latestCheckpoint())
      expect(peer && rootOf(peer.frontier)).toEqual(peer?.checkpoint.root)
    }
  })

  it('is not worth its proof over a few entries', async () => {
    expect(await found(await frontierAt(690))).toBeNull()
  })

  it('says nothing with the signature of a key that is not the log’s', async () => {
    const file = (name: string) => join(folder, `other.${name}`)
    const elsewhere = { logKey: file('key'), logTrust: file('vkey'), lastCheckpoint: file('checkpoint') }
    const other = parseVkey(nextLogKey(elsewhere, ORIGIN, random).signer.vkey)
    expect(await found(await frontierAt(10), other === null ? [] : [other])).toBeNull()
  })

  it('says nothing about another history than ours', async () => {
    const last = appendLeaves(await frontierAt(9), [Buffer.alloc(32, 1)])
    expect(await found(last)).toBeNull()
  })

  it('says nothing over a tree that is damaged: then the bytes are hashed again', async () => {
    const db = join(folder, 'aegis.db')
    const last = await frontierAt(300)
    sqlite(db, `${DISARM} UPDATE ledger_entry SET hash = substr(hash, 1, 63) || 'g' WHERE n = 650`)
    expect(await found(last)).toBeNull()
  })
})
