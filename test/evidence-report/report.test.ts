import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { renderReport } from '../../src/evidence-report/report.ts'
import { embeddedBundle } from '../../src/ledger/bundle/embedded-bundle.ts'
import type { Committed, EntryDraft } from '../../src/ledger/draft.ts'
import type { EvidenceBundle } from '../../src/ledger/format/bundle-format.ts'
import { parseTrustPolicy } from '../../src/ledger/notes/trust-policy.ts'
import type { Pins } from '../../src/ledger/verify/trust.ts'
import { verifyBundle } from '../../src/ledger/verify/verify-bundle.ts'
import { ALICE, draft, newId, SESSION } from '../support/drafts.ts'
import {
  type EvidenceStore,
  openEvidence,
  removeFolder,
  signingIn,
  temporaryFolder,
} from '../support/evidence-store.ts'

const AT = '2026-04-06T15:00:00.000Z'
const HOSTILE = '</template><script>alert(1)</script><img src=x onerror=alert(1)>"\'&lt;\u202e\u200b\u0007\u2028'
let store: EvidenceStore
let bundle: EvidenceBundle
let pins: Pins

function value(path: Committed, what: EntryDraft['commitments'][number]['value']) {
  return { path, salt: randomBytes(32), value: what }
}

beforeAll(async () => {
  const folder = temporaryFolder()
  store = await openEvidence(folder, signingIn(folder))
  const { ledger } = store
  const env = newId()
  const params = value('params', { [HOSTILE]: HOSTILE, n: 1 })
  const plain = { effect: null, decision: null, blast: null } as const
  const action = { protocol: 'git', tool: `github.create_pull_request ${HOSTILE}`, capability: 'write' }
  const asked = { actor: { agent: HOSTILE, subject: 'key_a1', tenant: 'default' }, action }
  await ledger.append(
    draft({
      ...{ ...asked, kind: 'review', env, findings: [{ name: HOSTILE, verdict: HOSTILE }] },
      commitments: [params, value('justification', HOSTILE)],
    }),
  )
  const said = [params, value('comment', `looks correct\n${HOSTILE}`)]
  await ledger.append(draft({ ...plain, kind: 'approve', env, action, reviewer: ALICE, commitments: said }))
  const run = newId()
  await ledger.append(draft({ env: run, ref: env, action, effect: 'forward', commitments: [params] }))
  const outcome = { label: HOSTILE, status: 'ok', credential: null } as const
  await ledger.append(
    draft({ ...plain, kind: 'result', env: run, action, outcome, commitments: [value('result', [{ a: HOSTILE }])] }),
  )
  await ledger.append(draft({ kind: 'block', commitments: [value('params', { long: 'y'.repeat(5000) })] }))
  const { n } = await ledger.append(draft({ commitments: [value('params', { name: 'Jane Doe' })] }))
  const why = { reason: HOSTILE, authority: 'request 4711', by: 'key_admin', everywhere: false }
  await ledger.erase({ entry: n, paths: ['params'], ...why })
  bundle = await ledger.export(SESSION)
  const parsed = parseTrustPolicy(readFileSync(join(folder, 'log.vkey'), 'utf8'))
  if (!parsed.ok) throw new Error('no trust policy')
  pins = { policy: parsed.policy, named: true }
})

afterAll(async () => {
  await store.close()
  removeFolder(store.folder)
})

const report = (of: EvidenceBundle = bundle, by: Pins | null = pins) => renderReport(of, by, AT)
/** What a person reads: the page without the bundle in it. */
const read = (page: string) => page.slice(page.indexOf('<main>'), page.indexOf('</main>'))
const titleOf = (page: string) => /<strong>([^<]*)<\/strong>/.exec(page)?.[1]
const changed = (at: number, edit: (body: string) => string): EvidenceBundle => ({
  ...bundle,
  entries: bundle.entries.map((entry, i) => (i === at ? { ...entry, body: edit(entry.body) } : entry)),
})

/** Every tag the report is made of. Anything else in angle brackets came from somebody else. */
const TAG =
  /^<\/?(?:a|b|bdi|blockquote|body|code|dd|details|div|dl|dt|footer|h1|h2|h3|head|header|html|li|main|meta|ol|p|pre|section|span|strong|style|summary|table|tbody|td|template|th|thead|time|title|tr|ul)(?: (?:class|id|href|lang|charset|name|content|http-equiv|aria-label)="[^"<>]*")*>$/

function strangeTags(page: string): string[] {
  return [...page.matchAll(/<[^>]*>?/g)]
    .map(([tag]) => tag)
    .filter((tag) => !TAG.test(tag) && tag !== '<!doctype html>')
}

/** The same rules as `core/visible-text`, spelled once more: controls, bidi, zero width, separators, tags. */
const HIDING =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/u

describe('an evidence report', () => {
  it('shows what everybody wrote as text: no mark-up, no character that hides or reorders', () => {
    const page = report()
    expect(strangeTags(page)).toEqual([])
    expect(read(page)).not.toMatch(HIDING)
    expect(page).toContain('&lt;script&gt;alert(1)')
    expect(page).toContain('<span class="hidden-char">U+202E</span>')
    expect(page).not.toMatch(/<script|onerror=alert\(1\)>|javascript:/)
  })

  it('is text whatever an entry or a value holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.jsonValue(), (text, json) => {
        const edit = (body: string) => {
          const whole = JSON.parse(body)
          const action = { ...whole.action, tool: text }
          return JSON.stringify({ ...whole, action, ts: text, env: text, ref: text, kind: whole.kind, findings: json })
        }
        const disclosures = bundle.disclosures.map((one) => ({ ...one, value: JSON.stringify(json), path: text }))
        const page = report({ ...changed(2, edit), session: text, origin: text, disclosures })
        expect(strangeTags(page)).toEqual([])
        expect(read(page)).not.toMatch(HIDING)
      }),
      { numRuns: 200 },
    )
  })

  it('can run nothing and load nothing, even if it were otherwise: its policy names its one style sheet', () => {
    const page = report()
    const [, style = ''] = /<style>([^<]*)<\/style>/.exec(page) ?? []
    const hash = createHash('sha256').update(style).digest('base64')
    const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page) ?? []
    expect(policy).toBe(`default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`)
    expect(page).not.toMatch(/ (?:src|style|on\w+)="|url\(|@import/)
    expect(page.match(/href="(?!#)/g)).toBeNull()
  })

  it('holds the bundle whole, in an element that shows and runs nothing', () => {
    const [, text = ''] = /<template id="aegis-bundle">([^<]*)<\/template>/.exec(report()) ?? []
    expect(embeddedBundle(report())).toBe(text)
    expect(text).not.toMatch(/[<>&]/)
    expect(JSON.parse(text)).toEqual(bundle)
    expect(verifyBundle(JSON.parse(text), { pins }).trust.level).toBe('self-signed')
  })

  it('is not read where it holds no bundle, or two, or where something follows inside the element', () => {
    const page = report()
    expect(embeddedBundle(page.replace('id="aegis-bundle"', 'id="other"'))).toBeNull()
    expect(embeddedBundle(page.replace('</body>', '<template id="aegis-bundle">{}</template></body>'))).toBeNull()
    expect(embeddedBundle(page.replace('</template>', '<b></b></template>'))).toBeNull()
    expect(embeddedBundle('{"no":"page"}')).toBe('{"no":"page"}')
  })

  it('shows decisions in words, with who approved, over what, and what they said', () => {
    const page = read(report())
    for (const word of ['Sent to review', 'Approved', 'Allowed', 'Result', 'Blocked'])
      expect(page).toContain(`>${word}<`)
    expect(page).toContain('<b>alice</b>')
    expect(page).toContain('no proof that a person gave it')
    expect(page).toMatch(/<blockquote><bdi>looks correct\n/)
    expect(page).toContain('Used once, by <a href="#entry-2">no. 2</a>')
  })

  it('tells an erased value from one that was withheld, and from one that is not what was recorded', () => {
    expect(read(report())).toMatch(/Arguments: erased on .* authority: <bdi>request 4711<\/bdi>/)
    const without = { ...bundle, disclosures: bundle.disclosures.filter(({ path }) => path !== 'comment') }
    expect(read(report(without))).toContain('with a comment that is withheld')
    expect(read(report(without))).toContain('Comment: withheld in this bundle')
    const lie = { ...bundle, disclosures: bundle.disclosures.map((one) => ({ ...one, value: '"x"' })) }
    expect(read(report(lie))).toContain('Comment: not what was recorded')
  })

  it('shows of a long value the beginning, and says where the rest is', () => {
    expect(read(report())).toMatch(/\d+ more characters are in the bundle/)
    expect(report().match(/y{4001}/g)).toHaveLength(1)
  })

  it.each([
    ['Verified', () => report()],
    ['Tampered', () => report(changed(1, (body) => body.replace('key_admin', 'key_bdmin')))],
    ['Cannot be decided', () => report(bundle, null)],
    ['Intact, but less than was asked for', () => report({ ...bundle, proof: null, entries: bundle.entries })],
  ])('says at the top: %s', (title, page) => {
    expect(titleOf(page())).toBe(title)
  })

  it('marks an entry that is not as it was recorded, where it stands and where it is told of', () => {
    const page = read(report(changed(1, (body) => body.replace('key_admin', 'key_bdmin'))))
    const marks = page.match(/Not as it was recorded<\/span> <code>ALTERED_BODY/g)
    expect(marks).toHaveLength(2)
    expect(read(report()).includes('Not as it was recorded')).toBe(false)
  })

  it('says how to check it without believing it', () => {
    const page = read(report())
    expect(page).toContain('aegisctl evidence verify --bundle report.html --key log.vkey')
    expect(page).toContain(bundle.manifest.hash)
  })

  it('is a page also of a session of which nothing can be read', () => {
    const page = report({ ...bundle, entries: bundle.entries.map((entry) => ({ ...entry, body: '{}' })) })
    expect(page.slice(0, page.indexOf('<h2 id="approvals">'))).toContain(
      `of which ${bundle.entries.length} cannot be read`,
    )
    expect(titleOf(report({ ...bundle, entries: [], disclosures: [], erasures: [] }))).toBe('Tampered')
  })
})
