import { type Html, html, lines } from './html.ts'
import { part, type ReportedEntry, word } from './material.ts'
import { badge, damaged, reviewer } from './timeline.ts'
import { textOf } from './values.ts'
import { moment } from './words.ts'

/** One review with all that was said to it, by the envelope that asked. */
interface Review {
  readonly asked: ReportedEntry | null
  readonly words: ReportedEntry[]
  redeemed: ReportedEntry | null
}

const RESOLUTIONS: ReadonlySet<string> = new Set(['approve', 'deny', 'expire'])

/** What people were asked, what they said, and whether it was used. */
export function approvals(entries: readonly ReportedEntry[]): Html {
  const reviews = [...reviewsOf(entries).values()]
  if (reviews.length === 0) return html`<p class="soft">Nobody was asked in this session.</p>`
  return html`<ul class="plain">${reviews.map(card)}</ul>`
}

function reviewsOf(entries: readonly ReportedEntry[]): Map<string, Review> {
  const reviews = new Map<string, Review>()
  for (const entry of entries) {
    const { kind, env, ref } = entry.body
    // A second call that found the review pending names it, and asks nobody again.
    if (kind === 'review' && ref === null) reviews.set(env, { asked: entry, words: [], redeemed: null })
    if (RESOLUTIONS.has(kind)) {
      const review = reviews.get(env) ?? { asked: null, words: [], redeemed: null }
      review.words.push(entry)
      reviews.set(env, review)
    }
    const spent = (kind === 'allow' || kind === 'rewrite') && ref !== null ? reviews.get(ref) : undefined
    if (spent !== undefined) spent.redeemed = entry
  }
  return reviews
}

function card({ asked, words, redeemed }: Review): Html {
  const first = asked ?? words[0]
  if (first === undefined) return html``
  const { body } = first
  return html`<li class="card"><div class="head">${words.length === 0 ? html`<span class="badge wait">No answer</span>` : words.map(badge)}<h3><bdi>${body.tool}</bdi></h3></div>
<p class="soft small">asked by <bdi>${word(part(body, 'actor'), 'agent')}</bdi> at <bdi>${moment(body.ts)}</bdi>, <a href="#entry-${body.seq}">no. ${body.seq}</a></p>
${words.map(said)}
<p class="small">${redeemed === null ? 'Not used in this session.' : html`Used once, by <a href="#entry-${redeemed.body.seq}">no. ${redeemed.body.seq}</a>.`}</p></li>
`
}

function said(entry: ReportedEntry): Html {
  const { body, values } = entry
  if (body.kind === 'expire' && word(part(body, 'actor'), 'subject') !== 'system') {
    return html`<p>taken back by <bdi>${word(part(body, 'actor'), 'agent')}</bdi> at <bdi>${moment(body.ts)}</bdi></p>`
  }
  if (body.kind === 'expire') return html`<p>nobody answered in time; over at <bdi>${moment(body.ts)}</bdi></p>`
  const comment = values.find(({ path }) => path === 'comment')
  const quoted =
    comment === undefined
      ? html`<p class="soft small">without a comment</p>`
      : comment.state === 'shown'
        ? html`<blockquote><bdi>${lines(textOf(comment.value))}</bdi></blockquote>`
        : html`<p class="soft small">with a comment that is ${comment.state === 'false' ? 'not shown as it was recorded' : comment.state}</p>`
  return html`${damaged(entry)}${reviewer(body.whole['reviewer'])}${quoted}<p class="soft small">at <bdi>${moment(body.ts)}</bdi>, <a href="#entry-${body.seq}">no. ${body.seq}</a></p>`
}
