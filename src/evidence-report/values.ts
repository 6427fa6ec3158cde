import { isObject, type Json, type JsonObject } from '../core/json.ts'
import { type Html, html, lines } from './html.ts'
import type { Value } from './material.ts'
import { moment, VALUES } from './words.ts'

/** Longer values are shown in part: all of it is in the bundle, and a report is for reading. Characters. */
const MOST_SHOWN = 4000
/** Longer ones are folded away on a screen; on paper all are open. */
const FOLDED = { characters: 360, lines: 8 } as const

/** More members than these are shown as JSON. */
const MOST_ROWS = 16

/** One committed value: what it is, or why it is not there. */
export function value(shown: Value): Html {
  const name = VALUES[shown.path] ?? shown.path
  switch (shown.state) {
    case 'shown':
      return folded(name, shown.value)
    case 'withheld':
      return html`<div class="label">${name}: withheld in this bundle; only its commitment is recorded</div>`
    case 'false':
      return html`<div class="label"><span class="badge bad">${name}: not what was recorded</span></div>`
    case 'erased':
      return html`<div class="label">${name}: erased on <bdi>${moment(shown.erasure.ts)}</bdi> (entry ${shown.leaf}), <bdi>${shown.erasure.reason}</bdi>; authority: <bdi>${shown.erasure.authority}</bdi></div>`
    default:
      return shown satisfies never
  }
}

/** A text as it is, anything else as indented JSON. */
export function textOf(value: Json): string {
  return typeof value === 'string' ? value : indented(value, '')
}

const LINE = 88

/** Indented JSON in which what fits on a line stays on it: a list of small objects reads as a table does. */
function indented(value: Json, margin: string): string {
  const flat = JSON.stringify(value)
  if (typeof value !== 'object' || value === null || flat.length + margin.length <= LINE) return flat
  const inner = `${margin}  `
  const parts = Array.isArray(value)
    ? value.map((item: Json) => indented(item, inner))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${indented(item, inner)}`)
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  return `${open}\n${parts.map((part) => inner + part).join(',\n')}\n${margin}${close}`
}

function folded(name: string, value: Json): Html {
  const text = textOf(value)
  const cut = text.length > MOST_SHOWN ? text.slice(0, MOST_SHOWN) : text
  const rest =
    cut === text ? null : html`<p class="soft small">${text.length - cut.length} more characters are in the bundle.</p>`
  const plain = isObject(value) && cut === text ? rows(value) : null
  const block = plain ?? html`<pre><bdi>${lines(cut)}</bdi></pre>${rest}`
  const short = cut.length <= FOLDED.characters && cut.split('\n').length <= FOLDED.lines
  if (short) return html`<div class="short"><span class="label">${name}</span>${block}</div>`
  return html`<details><summary>${name} (${text.length} characters)</summary>${block}</details>`
}

/** An object of plain members as a list of names and values; null for any other. */
function rows(value: JsonObject): Html | null {
  const members = Object.entries(value)
  if (members.length === 0 || members.length > MOST_ROWS) return null
  if (members.some(([, member]) => typeof member === 'object' && member !== null)) return null
  return html`<dl class="members">${members.map(([key, member]) => html`<dt><bdi>${key}</bdi></dt><dd><bdi>${lines(textOf(member))}</bdi></dd>`)}</dl>`
}
