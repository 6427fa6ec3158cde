import { AegisError } from '../../../core/errors.ts'
import type { AuditPage, SearchFilter } from '../../../oversight/audit.ts'
import { seen } from '../entry-view.ts'
import { EntryTable } from '../parts/entry-table.tsx'
import { Pick, Text } from '../parts/fields.tsx'
import { asked, type View, type Viewing } from '../viewing.ts'
import { DECIDED } from './activity.tsx'

const ROWS = 50
const KINDS = [
  'allow',
  'rewrite',
  'review',
  'block',
  'approve',
  'deny',
  'expire',
  'result',
  'orphan',
  'override',
] as const
const FIELDS = ['tool', 'agent', 'session', 'target', 'room', 'principal', 'policy', 'reviewer', 'envelope'] as const
const DAY_MS = 86_400_000

/** Every decision there was, found by what it was about. */
export const auditView: View = async (viewing) => {
  const { parts, visitor } = viewing
  const filter = filterOf(viewing)
  const page = await parts.oversight.audit.page(visitor.key, filter, {
    first: ROWS,
    after: asked(viewing, 'after') || null,
  })
  const entries = await parts.oversight.contents.open(
    visitor.key,
    page.entries.filter(({ session }) => session !== null),
    DECIDED,
  )
  return {
    ...{ title: 'Audit trail', place: 'audit', wide: true },
    body: (
      <>
        <h1>Audit trail</h1>
        <Filters viewing={viewing} />
        <Exports viewing={viewing} />
        {entries.length === 0 ? <p class="dim">Nothing was found.</p> : <EntryTable entries={entries.map(seen)} />}
        <Pages viewing={viewing} page={page} />
      </>
    ),
  }
}

function filterOf(viewing: Viewing): SearchFilter {
  const texts = FIELDS.map((name) => [name, asked(viewing, name)] as const).filter(([, text]) => text !== '')
  const kind = asked(viewing, 'kind')
  const [since, until] = [dayOf(viewing, 'since'), dayOf(viewing, 'until')]
  return {
    ...Object.fromEntries(texts),
    ...(kind === '' ? {} : { kinds: [kind] }),
    ...(since === null ? {} : { since }),
    // A person who says "until the 6th" means the whole of that day.
    ...(until === null ? {} : { until: until + DAY_MS }),
  }
}

function dayOf(viewing: Viewing, name: string): number | null {
  const text = asked(viewing, name)
  if (text === '') return null
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isSafeInteger(time)) return time
  throw new AegisError('invalid_request', `\`${name}\` is no date`, { path: name, advice: 'write it as 2026-04-06' })
}

function Filters({ viewing }: { readonly viewing: Viewing }) {
  const value = (name: string) => asked(viewing, name)
  const more = ['room', 'principal', 'policy', 'reviewer', 'envelope'] as const
  return (
    <form class="filters" method="get" action="/audit" aria-label="Audit trail">
      <Pick name="kind" label="Decision" value={value('kind')} options={KINDS} any="any" />
      <Text name="tool" label="Tool" value={value('tool')} hint="github.*" />
      <Text name="agent" label="Agent" value={value('agent')} />
      <Text name="session" label="Session" value={value('session')} />
      <Text name="target" label="Target" value={value('target')} hint="owner/name" />
      <Text name="since" label="From" value={value('since')} type="date" />
      <Text name="until" label="To, inclusive" value={value('until')} type="date" />
      <details class="more" open={more.some((name) => value(name) !== '')}>
        <summary>More filters</summary>
        <div class="filters">
          <Text name="room" label="Room" value={value('room')} />
          <Text name="principal" label="Key" value={value('principal')} hint="key_…" />
          <Text name="policy" label="Policy" value={value('policy')} />
          <Text name="reviewer" label="Reviewer’s key" value={value('reviewer')} hint="key_…" />
          <Text name="envelope" label="Envelope" value={value('envelope')} />
        </div>
      </details>
      <button type="submit">Find</button>
      <a href="/audit">Clear</a>
    </form>
  )
}

/** What the API's export takes: the same filter by the names it knows. */
function Exports({ viewing }: { readonly viewing: Viewing }) {
  const until = dayOf(viewing, 'until')
  const query = new URLSearchParams()
  for (const name of ['kind', 'since', ...FIELDS]) {
    const text = asked(viewing, name)
    if (text !== '') query.set(name, text)
  }
  if (until !== null) query.set('until', new Date(until + DAY_MS).toISOString().slice(0, 10))
  const path = (format: string) => `/admin/v1/audit/export?${new URLSearchParams([['format', format], ...query])}`
  return (
    <p class="line">
      All that is found:{' '}
      <a href={path('json')} download="audit.json">
        JSON
      </a>
      <a href={path('csv')} download="audit.csv">
        CSV
      </a>
    </p>
  )
}

function Pages({ viewing, page }: { readonly viewing: Viewing; readonly page: AuditPage }) {
  const { searchParams } = new URL(viewing.context.req.url)
  const to = (after: string | null) => {
    const query = new URLSearchParams(searchParams)
    if (after === null) query.delete('after')
    else query.set('after', after)
    return `/audit?${query}`
  }
  const { known, next } = page
  return (
    <nav class="pages" aria-label="Pages">
      {searchParams.has('after') ? <a href={to(null)}>Newest</a> : null}
      {next === null ? null : (
        <a href={to(next)} rel="next">
          Older
        </a>
      )}
      {known.upTo < known.size ? (
        <span class="dim">
          Looked among {known.upTo} of {known.size} entries: the rest is being indexed.
        </span>
      ) : null}
    </nav>
  )
}
