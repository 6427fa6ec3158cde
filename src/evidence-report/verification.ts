import { trustName } from '../ledger/verify/trust.ts'
import { type Html, html } from './html.ts'
import type { Material } from './material.ts'
import { moment, type Tone } from './words.ts'

interface Verdict {
  readonly tone: Tone
  readonly title: string
  readonly text: string
}

/** The verdict in a sentence; the same words as the command's. */
function verdictOf({ verdict }: Material): Verdict {
  const { valid, undecided, brokenLink, belowTrust, totalEntries } = verdict
  if (!valid && brokenLink !== null) {
    return { tone: 'bad', title: 'Tampered', text: `The evidence does not hold together; it breaks at ${brokenLink}.` }
  }
  if (undecided !== null) return { tone: 'wait', title: 'Cannot be decided', text: `${undecided}.` }
  if (!valid) return { tone: 'bad', title: 'Not valid', text: 'The evidence does not hold together.' }
  const links = `All ${totalEntries} entries have their hashes, and every link of the chain holds.`
  if (belowTrust !== null)
    return { tone: 'wait', title: 'Intact, but less than was asked for', text: `${links} ${belowTrust}.` }
  if (verdict.trust.level === 'unsigned') {
    return {
      tone: 'wait',
      title: 'Intact, not signed',
      text: `${links} Nothing shows whether all of it was rewritten.`,
    }
  }
  return { tone: 'good', title: 'Verified', text: `${links} ${STANDING[verdict.trust.level]}` }
}

const STANDING = {
  'self-signed': 'The log signed it with its key: it cannot have been changed since without that key.',
  anchored: 'It is signed, and held in places of its own: not even with the key could it have been changed since.',
  witnessed: 'It is signed, and witnesses saw it: not even with the key could it have been changed since.',
} as const

export function banner(material: Material, exportedAt: string): Html {
  const { tone, title, text } = verdictOf(material)
  return html`<section class="verdict ${tone}"><strong>${title}</strong><p>${text}</p><p class="soft small">As found when this report was made, ${moment(exportedAt)}. A page can say anything: <a href="#check">check it yourself</a>.</p></section>`
}

export function verification({ bundle, verdict }: Material): Html {
  const { trust, findings, findingsTotal } = verdict
  const rows: [string, Html | string][] = [
    ['Trust', trustName(trust)],
    ['Log', html`<bdi class="mono">${bundle.origin}</bdi>`],
    [
      'Signed checkpoint',
      trust.checkpoint === null ? 'none that was checked' : `of the log's first ${trust.checkpoint.size} entries`,
    ],
    ['Key', trust.checkpoint === null ? 'none' : html`<bdi class="mono">${trust.checkpoint.key}</bdi>`],
    ['Session manifest', html`<bdi class="mono">${verdict.manifestHash}</bdi>`],
    ['Elsewhere', receipts(bundle.receipts)],
  ]
  const unlisted = findingsTotal - findings.length
  return html`<dl class="facts">${rows.map(([name, what]) => html`<dt>${name}</dt><dd>${what}</dd>`)}</dl>
${findings.length === 0 ? html`<p>Verification found nothing to remark.</p>` : table(findings)}
${unlisted > 0 ? html`<p>And ${unlisted} more.</p>` : null}`
}

function receipts(given: Material['bundle']['receipts']): Html | string {
  if (given.length === 0) return 'no anchor or witness has answered to this checkpoint'
  return html`according to the bundle, ${given.map(({ sink, size }, at) => html`${at === 0 ? '' : ', '}<bdi>${sink}</bdi> (at ${size} entries)`)}`
}

const SEVERITIES: Readonly<Record<string, { readonly word: string; readonly tone: Tone }>> = {
  error: { word: 'Error', tone: 'bad' },
  warn: { word: 'Warning', tone: 'wait' },
  info: { word: 'Remark', tone: 'calm' },
}

function table(findings: Material['verdict']['findings']): Html {
  const row = ({ severity, class: kind, place, detail }: (typeof findings)[number]) => {
    const { word, tone } = SEVERITIES[severity] ?? { word: severity, tone: 'calm' }
    return html`<tr><td><span class="badge ${tone}">${word}</span></td><td><code>${kind}</code></td><td><bdi>${place}</bdi></td><td><bdi>${detail}</bdi></td></tr>`
  }
  return html`<p class="label findings">Findings</p><table><thead><tr><th>Weight</th><th>Finding</th><th>Where</th><th>What</th></tr></thead><tbody>${findings.map(row)}</tbody></table>`
}

/** What a reader without any of our tools in mind needs to know. */
export function howToCheck({ bundle }: Material): Html {
  return html`<p>This page shows what is in the evidence bundle embedded in it. Its words and colours prove nothing; the bundle does.</p>
<ol class="steps">
<li>Get the log's public key on another way than you got this file: from its operator, or from the <code>log.vkey</code> of the installation.</li>
<li>Have a copy of Aegis that you trust, and run<pre>aegisctl evidence verify --bundle report.html --key log.vkey</pre></li>
<li>Compare its <code>session_manifest_hash</code> with the one above, and its verdict with the one at the top.</li>
</ol>
<p class="soft small">The bundle is the JSON in the element <code>template#aegis-bundle</code> of this file, in format <code>${bundle.format}</code>. It can be checked with any implementation of SHA-256, RFC 6962 and Ed25519.</p>`
}
