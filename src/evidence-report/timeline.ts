import { isObject, type JsonObject } from '../core/json.ts'
import { isLogin } from '../core/reviewer-name.ts'
import { type Html, html, type Part } from './html.ts'
import { part, type ReportedEntry, word } from './material.ts'
import { value } from './values.ts'
import { CHANNELS, KINDS, SEPARATIONS, STATUSES } from './words.ts'

export function badge({ body }: ReportedEntry): Html {
  const { word: text, tone } = KINDS[body.kind]
  const failed = body.kind === 'result' && body.status !== null && body.status !== 'ok'
  return html`<span class="badge ${failed ? 'bad' : tone}">${text}</span>`
}

/** Every entry in order, under the day it says it was written. */
export function timeline(entries: readonly ReportedEntry[]): Html {
  let day = ''
  const items = entries.map((entry) => {
    const today = entry.body.ts.slice(0, 10)
    const heading = today === day ? null : html`<li class="day"><bdi>${today}</bdi></li>`
    day = today
    return [heading, item(entry)]
  })
  return html`<ol class="plain">${items}</ol>`
}

function item(entry: ReportedEntry): Html {
  const { body, values } = entry
  return html`<li class="entry" id="entry-${body.seq}">
<div class="when"><b>No. ${body.seq}</b><time><bdi>${body.ts.slice(11, 23)}</bdi> UTC</time></div>
<div><div class="head">${badge(entry)}<h3><bdi>${body.tool}</bdi></h3></div>
${damaged(entry)}
${summary(entry)}
${values.length === 0 ? null : html`<div class="values">${values.map(value)}</div>`}
<p class="soft small">envelope <bdi class="mono">${body.env}</bdi>${body.ref === null ? null : html`, redeems the approval of <bdi class="mono">${body.ref}</bdi>`}</p>
</div></li>
`
}

export function damaged({ damage }: ReportedEntry): Html | null {
  if (damage.length === 0) return null
  return html`<p><span class="badge bad">Not as it was recorded</span> <code>${damage.join(', ')}</code></p>`
}

function summary({ body }: ReportedEntry): Part {
  const actor = part(body, 'actor')
  const action = part(body, 'action')
  const who =
    body.kind === 'approve' || body.kind === 'deny'
      ? reviewer(body.whole['reviewer'])
      : html`<p class="soft">${word(action, 'capability')} over ${word(action, 'protocol')}, by <bdi>${word(actor, 'agent')}</bdi> (${isLogin(word(actor, 'subject')) ? 'login' : 'key'} <bdi class="mono">${word(actor, 'subject')}</bdi>)</p>`
  return [
    who,
    decision(part(body, 'decision'), part(body, 'blast')),
    findings(body.whole['findings']),
    outcome(part(body, 'outcome')),
  ]
}

export function reviewer(value: unknown): Html | null {
  if (!isJsonObject(value)) return null
  const name = word(value, 'name')
  const claimed = word(value, 'claimed')
  const principal = word(value, 'principal')
  const channel = word(value, 'channel')
  const separation = word(value, 'separation')
  return html`<p>by <bdi><b>${claimed === '' ? name : claimed}</b></bdi> <span class="soft">(${isLogin(principal) ? 'login' : 'key'} <bdi>${name}</bdi>, <bdi class="mono">${principal}</bdi>) over ${CHANNELS[channel] ?? channel}, ${SEPARATIONS[separation] ?? separation}</span></p>`
}

function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function decision(decided: JsonObject, blast: JsonObject): Html | null {
  if (word(decided, 'rule') === '') return null
  const level = word(blast, 'level')
  return html`<p>by rule <bdi><code>${word(decided, 'rule')}</code></bdi> of policy <bdi>${word(decided, 'policy')}</bdi>${level === '' ? null : html`, blast radius <bdi>${level}</bdi>${score(blast)}`}</p>`
}

/** Of a number that is none, nothing: a report may be of evidence that somebody changed. */
function score(blast: JsonObject): Part {
  const points = blast['score']
  return typeof points === 'number' ? html` (${points} of 100)` : []
}

function findings(value: unknown): Html | null {
  const found = Array.isArray(value) ? value.filter(isObject) : []
  if (found.length === 0) return null
  return html`<p class="small">findings: ${found.map((one, at) => html`${at === 0 ? '' : '; '}<bdi>${word(one, 'name')}</bdi> (<bdi>${word(one, 'verdict')}</bdi>)`)}</p>`
}

function outcome(told: JsonObject): Part {
  const status = word(told, 'status')
  if (status === '') return []
  const label = word(told, 'label')
  const credential = told['credential']
  return [
    html`<p>${STATUSES[status] ?? html`<bdi>${status}</bdi>`}${label === '' ? null : html`: <bdi><b>${label}</b></bdi>`}</p>`,
    isObject(credential)
      ? html`<p class="soft small">credential <bdi>${word(credential, 'type')}</bdi>, scope <bdi>${word(credential, 'scope')}</bdi>, issued <bdi>${word(credential, 'issued')}</bdi>, ${word(credential, 'revoked') === '' ? html`expires <bdi>${word(credential, 'expires')}</bdi>` : html`revoked <bdi>${word(credential, 'revoked')}</bdi>`}</p>`
      : null,
  ]
}
