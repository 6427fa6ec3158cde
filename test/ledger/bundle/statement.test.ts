import { createHash, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { PREDICATE_TYPE, preAuthentication } from '../../../src/ledger/bundle/statement.ts'
import { openNote } from '../../../src/ledger/notes/note.ts'
import { parseTlogProof } from '../../../src/ledger/notes/tlog-proof.ts'
import { parseTrustPolicy } from '../../../src/ledger/notes/trust-policy.ts'
import { draft, SESSION } from '../../support/drafts.ts'
import {
  type EvidenceStore,
  openEvidence,
  removeFolder,
  signingIn,
  temporaryFolder,
} from '../../support/evidence-store.ts'

let open: EvidenceStore | null = null

afterEach(async () => {
  await open?.close()
  if (open !== null) removeFolder(open.folder)
  open = null
})

async function signed(): Promise<EvidenceStore> {
  const folder = temporaryFolder()
  open = await openEvidence(folder, signingIn(folder))
  await open.ledger.append(draft())
  return open
}

function keyOf({ folder }: EvidenceStore) {
  const parsed = parseTrustPolicy(readFileSync(join(folder, 'log.vkey'), 'utf8'))
  const key = parsed.ok ? parsed.policy.keys[0]?.key : undefined
  if (key === undefined) throw new Error('no key')
  return key
}

/** The vector of DSSE's own protocol page. */
it('signs what DSSE says is signed: type and payload with their lengths', () => {
  const encoded = preAuthentication('http://example.com/HelloWorld', Buffer.from('hello world'))
  expect(Buffer.from(encoded).toString()).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world')
})

it('states, under the key of the log, which manifest the session has and that it is in the signed log', async () => {
  const store = await signed()
  const envelope = await store.ledger.statement(SESSION)
  const key = keyOf(store)
  const payload = Buffer.from(envelope.payload, 'base64')
  const [signature] = envelope.signatures
  expect(signature?.keyid).toBe(`${key.name}+${key.id}`)
  const bytes = preAuthentication(envelope.payloadType, payload)
  expect(verify(null, bytes, key.key, Buffer.from(signature?.sig ?? '', 'base64'))).toBe(true)

  const statement = JSON.parse(payload.toString())
  expect(statement).toMatchObject({
    _type: 'https://in-toto.io/Statement/v1',
    predicateType: PREDICATE_TYPE,
    subject: [{ name: SESSION }],
    predicate: { session: SESSION },
  })
  const { manifest, proof } = statement.predicate
  const subject = createHash('sha256').update(Uint8Array.of(0)).update(manifest.body).digest('hex')
  expect(statement.subject[0].digest).toEqual({ sha256: subject })
  const inLog = parseTlogProof(proof)
  expect(inLog?.index).toBe(manifest.n)
  expect(openNote(inLog?.checkpoint ?? '', [key]).ok).toBe(true)
})

it('signs a statement so that it is no checkpoint', async () => {
  const store = await signed()
  const { payload, payloadType, signatures } = await store.ledger.statement(SESSION)
  const text = Buffer.from(preAuthentication(payloadType, Buffer.from(payload, 'base64'))).toString()
  const key = keyOf(store)
  const line = Buffer.concat([Buffer.from(key.id, 'hex'), Buffer.from(signatures[0]?.sig ?? '', 'base64')])
  expect(openNote(`${text}\n— ${key.name} ${line.toString('base64')}\n`, [key]).ok).toBe(false)
})

it('states nothing where the log is not signed', async () => {
  open = await openEvidence()
  await open.ledger.append(draft())
  await expect(open.ledger.statement(SESSION)).rejects.toThrow('not signed')
})
