import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EvidenceBundle } from '../../../src/ledger/bundle/bundle.ts'
import { leafHash } from '../../../src/ledger/format/chain.ts'
import { readBundle } from '../../../src/ledger/verify/read-bundle.ts'
import { verifyBundle } from '../../../src/ledger/verify/verify-bundle.ts'
import { committed, draft, SESSION } from '../../support/drafts.ts'
import { type EvidenceStore, openEvidence, removeFolder } from '../../support/evidence-store.ts'

let evidence: EvidenceStore
let bundle: EvidenceBundle

beforeEach(async () => {
  evidence = await openEvidence()
  for (let index = 0; index < 7; index += 1) {
    await evidence.ledger.append(draft({ commitments: committed(`v${index}`) }))
  }
  bundle = await evidence.ledger.export(SESSION)
})

afterEach(async () => {
  await evidence.close()
  removeFolder(evidence.folder)
})

const classes = (changed: EvidenceBundle) => verifyBundle(changed).findings.map((finding) => finding.class)

describe('an evidence bundle', () => {
  it('verifies without store, server or network, and survives being written and read', () => {
    const read = readBundle(JSON.stringify(bundle, null, 2))
    expect(read).toEqual(bundle)
    expect(verifyBundle(read)).toMatchObject({ valid: true, totalEntries: 7, manifestHash: bundle.manifest.hash })
  })

  it('names a manifest leaf of the log; a second export of the same entries adds none', async () => {
    expect(bundle.manifest.n).toBe(8)
    const again = await evidence.ledger.export(SESSION)
    expect(again.manifest).toEqual(bundle.manifest)
    expect(evidence.ledger.stats().size).toBe(9)
  })

  it('withholds the values asked for and stays valid', async () => {
    const redacted = await evidence.ledger.export(SESSION, { redact: ['params'] })
    expect(redacted.disclosures).toEqual([])
    expect(JSON.stringify(redacted)).not.toContain('"title')
    expect(verifyBundle(redacted).valid).toBe(true)
  })

  it('shows a last entry that was left out', () => {
    const cut = { ...bundle, entries: bundle.entries.slice(0, 5) }
    expect(verifyBundle(cut).brokenLink).toContain('TRUNCATED_TAIL')
    const gone = { ...bundle, entries: [], disclosures: [] }
    expect(classes(gone)).toEqual(['SESSION_MISSING'])
  })

  it('shows a forged manifest, with or without a hash that fits', () => {
    const body = bundle.manifest.body.replace('"allow":7', '"allow":6')
    expect(body).not.toBe(bundle.manifest.body)
    expect(classes({ ...bundle, manifest: { ...bundle.manifest, body } })).toContain('MANIFEST_FORGED')
    expect(classes({ ...bundle, manifest: { n: 8, body, hash: leafHash(body) } })).toEqual(['MANIFEST_FORGED'])
    const claims = bundle.manifest.body.replace('"entries":7', '"entries":6')
    expect(classes({ ...bundle, manifest: { n: 8, body: claims, hash: leafHash(claims) } })).toEqual([
      'MANIFEST_FORGED',
    ])
    const empty = { n: 8, body: '{}', hash: leafHash('{}') }
    expect(classes({ ...bundle, manifest: empty })).toContain('MANIFEST_FORGED')
  })

  it('shows a claim to be of another session or log', () => {
    expect(classes({ ...bundle, session: 'key_a1/other' })).toContain('WRONG_SESSION')
    expect(classes({ ...bundle, origin: 'aegis.example/other' })).toContain('WRONG_LOG')
  })

  it('shows a disclosed value that is not what was committed, or belongs to no entry', () => {
    const [first, ...rest] = bundle.disclosures
    if (first === undefined) throw new Error('no disclosure')
    expect(classes({ ...bundle, disclosures: [{ ...first, value: '{}' }, ...rest] })).toEqual(['PAYLOAD_MISMATCH'])
    expect(classes({ ...bundle, disclosures: [{ ...first, n: 99 }, ...rest] })).toEqual(['PAYLOAD_MISMATCH'])
  })

  it('never verifies after a change of any single character of an entry, a hash, the manifest or a disclosure', () => {
    const parts = ['body', 'hash', 'manifest', 'value', 'salt'] as const
    fc.assert(
      fc.property(
        fc.constantFrom(...parts),
        fc.nat(6),
        fc.nat(),
        fc.integer({ min: 1, max: 127 }),
        (part, pick, at, flip) => {
          const change = (text: string) => {
            const index = at % text.length
            return text.slice(0, index) + String.fromCharCode(text.charCodeAt(index) ^ flip) + text.slice(index + 1)
          }
          expect(survives(tampered(bundle, part, pick, change))).toBe(false)
        },
      ),
      { numRuns: 500 },
    )
  })
})

function tampered(
  bundle: EvidenceBundle,
  part: 'body' | 'hash' | 'manifest' | 'value' | 'salt',
  pick: number,
  change: (text: string) => string,
): EvidenceBundle {
  if (part === 'manifest') {
    return { ...bundle, manifest: { ...bundle.manifest, body: change(bundle.manifest.body) } }
  }
  if (part === 'body' || part === 'hash') {
    const entries = bundle.entries.map((entry, index) =>
      index === pick ? { ...entry, [part]: change(entry[part]) } : entry,
    )
    return { ...bundle, entries }
  }
  const disclosures = bundle.disclosures.map((disclosure, index) =>
    index === pick ? { ...disclosure, [part]: change(disclosure[part]) } : disclosure,
  )
  return { ...bundle, disclosures }
}

/** Through the file, as an auditor gets it: what the strict reader refuses is not verified either. */
function survives(bundle: EvidenceBundle): boolean {
  try {
    return verifyBundle(readBundle(JSON.stringify(bundle))).valid
  } catch {
    return false
  }
}

describe('reading a bundle', () => {
  const HOSTILE: readonly [string, (text: string) => string][] = [
    ['a duplicate key', (text) => text.replace('{', '{"origin":"x",')],
    ['a byte order mark', (text) => `\ufeff${text}`],
    ['trailing bytes', (text) => `${text}{}`],
    ['an unknown member', (text) => text.replace('{', '{"view":{},')],
    ['another format', (text) => text.replace('bundle/2', 'bundle/3')],
    ['a number beyond a double', (text) => text.replace('"n":1', '"n":1e999')],
    ['a negative position', (text) => text.replace('"n":1', '"n":-1')],
    ['a body that is no text', (text) => text.replace('"body":"', '"body":7,"hash":"')],
    ['depth', (text) => text.replace('"entries":[', `"entries":[${'['.repeat(100_000)}`)],
    ['a short salt', (text) => text.replace(/"salt":"\w\w/, '"salt":"')],
    ['a session with a line feed', (text) => text.replace('"session":"key_a1', '"session":"key_a1\\n')],
    ['no JSON', () => 'PK\u0003\u0004'],
    ['nothing', () => ''],
  ]

  it.each(HOSTILE)('refuses %s', (_, change) => {
    const text = JSON.stringify(bundle)
    const changed = change(text)
    expect(changed).not.toBe(text)
    expect(() => readBundle(changed)).toThrow()
  })
})
