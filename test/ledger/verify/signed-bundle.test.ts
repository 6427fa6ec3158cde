import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildBundle, type EvidenceBundle } from '../../../src/ledger/bundle/bundle.ts'
import { genesis, leafHash } from '../../../src/ledger/format/chain.ts'
import { createTally } from '../../../src/ledger/format/manifest.ts'
import { createSigner, privateKeyPem, signNote } from '../../../src/ledger/notes/sign.ts'
import { parseTrustPolicy } from '../../../src/ledger/notes/trust-policy.ts'
import { readBundle } from '../../../src/ledger/verify/read-bundle.ts'
import type { VerifyReport } from '../../../src/ledger/verify/report.ts'
import { type Pins, trustName } from '../../../src/ledger/verify/trust.ts'
import { verifyBundle } from '../../../src/ledger/verify/verify-bundle.ts'
import { committed, draft, SESSION } from '../../support/drafts.ts'
import {
  type EvidenceStore,
  ORIGIN,
  openEvidence,
  removeFolder,
  signingIn,
  temporaryFolder,
} from '../../support/evidence-store.ts'

const folder = temporaryFolder()
let evidence: EvidenceStore
let bundle: EvidenceBundle
let part: EvidenceBundle
let pins: Pins

beforeAll(async () => {
  evidence = await openEvidence(folder, signingIn(folder))
  for (let index = 0; index < 7; index += 1) {
    await evidence.ledger.append(draft({ commitments: committed(`v${index}`) }))
  }
  bundle = await evidence.ledger.export(SESSION)
  part = await buildBundle(evidence.stores.ledger, SESSION, [], { only: [3, 5] })
  pins = pinsOf(readFileSync(join(folder, 'log.vkey'), 'utf8'))
})

afterAll(async () => {
  await evidence.close()
  removeFolder(folder)
})

function pinsOf(text: string, named = true): Pins {
  const parsed = parseTrustPolicy(text)
  if (!parsed.ok) throw new Error('not a policy')
  return { policy: parsed.policy, named }
}

const verify = (changed: EvidenceBundle, keys: Pins | null = pins) =>
  verifyBundle(readBundle(JSON.stringify(changed, null, 2)), { pins: keys })
const classes = (report: VerifyReport) => report.findings.map((finding) => finding.class)
const proofWith = (change: (proof: string) => string): EvidenceBundle => ({
  ...bundle,
  proof: change(bundle.proof ?? ''),
})
const other = createSigner(ORIGIN, privateKeyPem(Buffer.alloc(32, 9)))

/** The same bundle with another checkpoint under its proof. */
async function resigned(text: (known: string) => string, signer = other): Promise<EvidenceBundle> {
  const [path = '', note = ''] = split(bundle.proof ?? '')
  const known = note.slice(0, note.lastIndexOf('\n\n') + 1)
  return { ...bundle, proof: `${path}\n\n${await signNote(text(known), [signer])}` }
}

function split(proof: string): [string, string] {
  const at = proof.indexOf('\n\n')
  return [proof.slice(0, at), proof.slice(at + 2)]
}

/** All entries with another tool, with links, hashes and a manifest that fit. */
function rewritten(): EvidenceBundle {
  const tally = createTally(ORIGIN, SESSION, genesis(ORIGIN, SESSION))
  let prev: string = genesis(ORIGIN, SESSION)
  const entries = bundle.entries.map(({ n, body: known }) => {
    const body = known.replace('get_file_contents', 'get_me').replace(/"prev":"\w+"/, `"prev":"${prev}"`)
    prev = leafHash(body)
    tally.add('allow', prev)
    return { n, body, hash: prev }
  })
  const { text: body, hash } = tally.manifest(false, [])
  return { ...bundle, entries, manifest: { n: bundle.manifest.n, body, hash } }
}

describe('a bundle of a signed log', () => {
  it('is worth what the pinned key says of it', () => {
    const report = verify(bundle)
    expect(report).toMatchObject({ valid: true, findings: [], undecided: null, belowTrust: null })
    expect(trustName(report.trust)).toBe('self-signed')
    expect(report.trust.checkpoint?.size).toBe(9)
  })

  it('cannot be decided where no key of its log is pinned, whatever keys it brings', () => {
    const helpful = { ...bundle, keys: [readFileSync(join(folder, 'log.vkey'), 'utf8').trim()] }
    for (const keys of [null, pinsOf(createSigner('elsewhere', privateKeyPem(Buffer.alloc(32, 3))).vkey, false)]) {
      expect(verify(helpful, keys)).toMatchObject({
        valid: false,
        undecided: expect.stringContaining('nobody you know'),
      })
      expect(classes(verify(helpful, keys))).toEqual([])
    }
  })

  it('is less than asked for where its proof is left out, and never more', () => {
    const stripped = { ...bundle, proof: null }
    expect(verify(stripped)).toMatchObject({ valid: true, belowTrust: expect.stringContaining('no checkpoint') })
    expect(verify(stripped).trust.level).toBe('unsigned')
    expect(verify(stripped, null)).toMatchObject({ valid: true, belowTrust: null })
  })

  it('shows that history was rewritten, however consistently', () => {
    expect(verify({ ...rewritten(), proof: null }, null).valid).toBe(true)
    expect(classes(verify(rewritten()))).toEqual(['MANIFEST_FORGED'])
    expect(classes(verify(rewritten(), null))).toEqual(['MANIFEST_FORGED'])
  })

  it('shows a signature that is bad, gone, or by a key that nobody pinned', async () => {
    expect(
      classes(verify(proofWith((proof) => proof.replace(/.(?=\n$)/, 'A').replace(/[^=](?=={0,2}\n$)/, flip)))),
    ).toEqual(['BAD_SIGNATURE'])
    expect(classes(verify(proofWith((proof) => proof.replace(/— .*\n/, ''))))).toContain('UNSIGNED')
    expect(classes(verify(await resigned((text) => text)))).toEqual(['WRONG_KEY'])
    expect(classes(verify(bundle, pinsOf(other.vkey)))).toEqual(['WRONG_KEY'])
  })

  it('shows a key that signs sizes it may not sign', () => {
    const vkey = readFileSync(join(folder, 'log.vkey'), 'utf8').trim()
    expect(verify(bundle, pinsOf(`${vkey} 9 9`)).valid).toBe(true)
    expect(classes(verify(bundle, pinsOf(`${vkey} 0 8`)))).toEqual(['WRONG_KEY'])
    expect(classes(verify(bundle, pinsOf(`${vkey} 10`)))).toEqual(['WRONG_KEY'])
  })

  it('shows a checkpoint of another log, size or root', async () => {
    const both = pinsOf(`${other.vkey}\n${readFileSync(join(folder, 'log.vkey'), 'utf8')}`)
    expect(verify(await resigned((text) => text), both).valid).toBe(true)
    expect(classes(verify(await resigned((text) => text.replace(ORIGIN, 'elsewhere')), both))).toEqual(['WRONG_LOG'])
    for (const size of ['8', '10', '1000']) {
      expect(classes(verify(await resigned((text) => text.replace('\n9\n', `\n${size}\n`)), both))).toEqual([
        'MANIFEST_FORGED',
      ])
    }
  })

  it('shows a proof that is none, or that of another leaf', () => {
    for (const change of [
      () => '',
      (proof: string) => proof.replace('index 8', 'index 7'),
      (proof: string) => proof.replace('index 8\n', 'index 8\nAAAA\n'),
      (proof: string) => proof.replace(/(index 8\n)\S+\n/, '$1'),
    ]) {
      expect(classes(verify(proofWith(change)))).toContain('MANIFEST_FORGED')
    }
    expect(classes(verify({ ...bundle, manifest: { ...bundle.manifest, n: null } }))).toEqual(['MANIFEST_FORGED'])
  })

  it('made without writing to the log proves its last entry instead', async () => {
    await evidence.ledger.append(draft())
    await evidence.ledger.sign()
    const made = await buildBundle(evidence.stores.ledger, SESSION, [])
    expect([made.manifest.n, made.proof]).toEqual([null, null])
    expect(verify(made)).toMatchObject({ valid: true, totalEntries: 8 })
    expect(verify(made).trust.level).toBe('self-signed')
    const cut = { ...made, entries: made.entries.slice(0, -1) }
    expect(verify(cut).valid).toBe(false)
  })
})

const flip = (digit: string) => (digit === 'B' ? 'C' : 'B')

describe('a part of a session', () => {
  it('holds the entries asked for, each with a proof', () => {
    expect(part.entries.map(({ body }) => JSON.parse(body).seq)).toEqual([3, 5])
    expect(part.disclosures.map(({ n }) => n)).toEqual(part.entries.map(({ n }) => n))
    expect(verify(part)).toMatchObject({ valid: true, totalEntries: 2, belowTrust: null })
    expect(verify(part, null).undecided).toContain('nobody you know')
  })

  it('shows an entry that is altered, made up, or without its proof', () => {
    const [first, second] = part.entries
    if (first === undefined || second === undefined) throw new Error('no entries')
    const body = first.body.replace('get_file_contents', 'get_me')
    const { proof: _, ...bare } = first
    expect(classes(verify({ ...part, entries: [{ ...first, body }, second] }))).toContain('ALTERED_BODY')
    expect(classes(verify({ ...part, entries: [{ ...first, body, hash: leafHash(body) }, second] }))).toContain(
      'REWRITTEN',
    )
    expect(classes(verify({ ...part, entries: [bare, second] }))).toContain('UNSIGNED')
    expect(classes(verify({ ...part, entries: [second, first] }))).toEqual(['REORDERED'])
    expect(classes(verify({ ...part, session: 'key_a1/other' }))).toContain('WRONG_SESSION')
  })
})
