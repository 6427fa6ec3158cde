import { createHash } from 'node:crypto'
import { sessionLabel } from '../core/ids.ts'
import { BUNDLE_ELEMENT } from '../ledger/bundle/embedded-bundle.ts'
import type { EntryKind } from '../ledger/draft.ts'
import type { EvidenceBundle } from '../ledger/format/bundle-format.ts'
import type { Pins } from '../ledger/verify/trust.ts'
import { approvals } from './approvals.ts'
import { Html, html, inertJson } from './html.ts'
import { gather, type Material, part, word } from './material.ts'
import { STYLE } from './style.ts'
import { timeline } from './timeline.ts'
import { banner, howToCheck, verification } from './verification.ts'
import { KINDS, moment } from './words.ts'

/**
 * The session as a page for people: static, with no script, nothing loaded from anywhere, everything that an agent could have
 * written shown as text. `exportedAt`: RFC 3339.
 */
export function renderReport(bundle: EvidenceBundle, pins: Pins | null, exportedAt: string): string {
  const material = gather(bundle, pins)
  const style = createHash('sha256').update(STYLE).digest('base64')
  // Should anything that an agent wrote ever become markup: it could load nothing, run nothing and send nothing.
  const policy = `default-src 'none'; style-src 'sha256-${style}'; base-uri 'none'; form-action 'none'`
  const label = sessionLabel(bundle.session)
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>Evidence report: ${label}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<main>
<header>
<p class="kicker">Aegis evidence report</p>
<h1><bdi>${label}</bdi></h1>
<p class="soft">${lead(material)}</p>
</header>
${banner(material, exportedAt)}
${tally(material)}
<h2 id="session">The session</h2>
${facts(material)}
<h2 id="approvals">Approvals</h2>
${approvals(material.entries)}
<h2 id="timeline">Timeline</h2>
${timeline(material.entries)}
<h2 id="verification">Verification</h2>
${verification(material)}
<h2 id="check">How to check it yourself</h2>
${howToCheck(material)}
<footer>Made by Aegis on ${moment(exportedAt)} from evidence in format <code>${bundle.format}</code>. Times are the gateway's own, in UTC: the chain proves in which order entries were written, not when.</footer>
</main>
<template id="${BUNDLE_ELEMENT}">${inertJson(JSON.stringify(bundle))}</template>
</body>
</html>
`
  return page.text
}

function lead({ entries, bundle }: Material): Html {
  const first = entries[0]?.body
  const last = entries.at(-1)?.body
  const part = bundle.partial === true ? 'Some entries of one session' : 'One session'
  if (first === undefined || last === undefined) return html`${part} without a readable entry.`
  return html`${part} of <bdi>${agents(entries)}</bdi>, <bdi>${moment(first.ts)}</bdi> to <bdi>${moment(last.ts)}</bdi>.`
}

/** Who acted: reviewers are not agents. */
function agents(entries: Material['entries']): string {
  const names = entries
    .filter(({ body }) => body.kind !== 'approve' && body.kind !== 'deny' && body.kind !== 'expire')
    .map(({ body }) => word(part(body, 'actor'), 'agent'))
  return [...new Set(names)].slice(0, 8).join(', ')
}

function tally({ entries }: Material): Html {
  const counts = new Map<EntryKind, number>()
  for (const { body } of entries) counts.set(body.kind, (counts.get(body.kind) ?? 0) + 1)
  const items = (Object.keys(KINDS) as EntryKind[]).flatMap((kind) => {
    const count = counts.get(kind)
    const { counted, tone } = KINDS[kind]
    return count === undefined ? [] : [html`<li class="badge ${tone}"><b>${count}</b>${counted}</li>`]
  })
  return html`<ul class="tally" aria-label="Entries by kind">${items}</ul>`
}

function facts({ bundle, entries, unreadable, verdict }: Material): Html {
  const policies = new Map<string, string>()
  for (const { body } of entries) {
    const decision = part(body, 'decision')
    const name = word(decision, 'policy')
    const sha256 = word(decision, 'policy_sha256')
    if (name !== '') policies.set(`${name} ${sha256}`, name)
  }
  const keys = new Set(entries.map(({ body }) => word(part(body, 'actor'), 'subject')))
  const rows: [string, Html | string][] = [
    ['Session', html`<bdi class="mono">${bundle.session}</bdi>`],
    ['Log', html`<bdi class="mono">${bundle.origin}</bdi>`],
    ['Keys', html`<bdi class="mono">${[...keys].slice(0, 20).join(', ')}</bdi>`],
    ['Policy', policies.size === 0 ? 'none was asked' : html`${[...policies].slice(0, 20).map(policy)}`],
    ['Entries', `${verdict.totalEntries}${unreadable > 0 ? `, of which ${unreadable} cannot be read` : ''}`],
    ['Values', `${bundle.disclosures.length} disclosed; of others only commitments are recorded`],
  ]
  return html`<dl class="facts">${rows.map(([name, what]) => html`<dt>${name}</dt><dd>${what}</dd>`)}</dl>`
}

function policy([both, name]: readonly [string, string]): Html {
  return html`<div><bdi>${name}</bdi> <span class="soft small">sha256 <bdi class="mono">${both.slice(name.length + 1)}</bdi></span></div>`
}
