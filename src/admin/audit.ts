import type { Hono } from 'hono'
import { AegisError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import { rfc3339 } from '../core/runtime.ts'
import { type AuditDesk, MOST_ENTRIES, type SearchFilter, type Statistics } from '../oversight/audit.ts'
import { csvExport, entryJson, jsonExport } from '../oversight/audit-export.ts'
import { type AdminContext, type AdminEnv, intQuery } from './door.ts'

/** Finding out what happened: pages, whole exports, numbers. */
export function auditRoutes(app: Hono<AdminEnv>, { audit }: { readonly audit: AuditDesk }): void {
  app.get('/admin/v1/audit', async (context) => {
    const at = { first: intQuery(context, 'first', 50, MOST_ENTRIES), after: context.req.query('after') ?? null }
    const { entries, next, known } = await audit.page(context.get('key'), filterOf(context), at)
    const log = { known_up_to: known.upTo, size: known.size }
    return context.json({ entries: entries.map(entryJson), next, log })
  })

  app.get('/admin/v1/audit/export', async (context) => {
    const format = formatOf(context.req.query('format') ?? 'json')
    const batches = await audit.all(context.get('key'), filterOf(context))
    const pieces = format.pieces(whileInForce(batches, context.get('inForce')))
    return new Response(streamOf(encoded(pieces)), {
      headers: {
        'content-type': format.type,
        'content-disposition': `attachment; filename="${format.file}"`,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      },
    })
  })

  app.get('/admin/v1/stats', async (context) => {
    const since = timeQuery(context, 'since') ?? 0
    return context.json(statsWire(await audit.stats(context.get('key'), since)))
  })
}

const FORMATS = {
  json: { type: 'application/json', file: 'audit.json', pieces: jsonExport },
  csv: { type: 'text/csv; charset=utf-8', file: 'audit.csv', pieces: csvExport },
} as const

function formatOf(name: string): (typeof FORMATS)[keyof typeof FORMATS] {
  if (name === 'json' || name === 'csv') return FORMATS[name]
  throw new AegisError('invalid_request', 'an export is `json` or `csv`', { path: 'format' })
}

/** An export may take minutes: a key that is revoked meanwhile gets no more of it, and the file ends broken. */
async function* whileInForce<T>(batches: AsyncIterable<T>, inForce: () => Promise<boolean>): AsyncGenerator<T> {
  for await (const batch of batches) {
    if (!(await inForce())) throw new AegisError('unauthenticated', 'the key was revoked')
    yield batch
  }
}

/** Read as fast as it is taken, and no faster. */
function streamOf(pieces: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await pieces.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    async cancel() {
      await pieces.return(undefined)
    },
  })
}

async function* encoded(pieces: AsyncIterable<string>): AsyncGenerator<Uint8Array, undefined> {
  const encoder = new TextEncoder()
  let waiting = ''
  for await (const piece of pieces) {
    waiting += piece
    if (waiting.length < 16_384) continue
    yield encoder.encode(waiting)
    waiting = ''
  }
  yield encoder.encode(waiting)
  return undefined
}

const TEXTS = ['tool', 'agent', 'principal', 'session', 'room', 'policy', 'reviewer', 'target', 'envelope'] as const
const KNOWN = new Set<string>([...TEXTS, 'kind', 'since', 'until', 'first', 'after', 'format'])

/** What is misspelt must not quietly widen a search. @throws AegisError `invalid_request` */
function filterOf(context: AdminContext): SearchFilter {
  const query = context.req.query()
  for (const name of Object.keys(query)) {
    if (KNOWN.has(name)) continue
    throw new AegisError('invalid_request', `unknown filter \`${name.slice(0, 64)}\``, {
      path: name.slice(0, 64),
      advice: `known are: ${[...KNOWN].join(', ')}`,
    })
  }
  const texts = TEXTS.flatMap((name) => (query[name] === undefined ? [] : [[name, query[name]] as const]))
  const [since, until] = [timeQuery(context, 'since'), timeQuery(context, 'until')]
  return {
    ...Object.fromEntries(texts),
    ...(query['kind'] === undefined ? {} : { kinds: query['kind'].split(',') }),
    ...(since === null ? {} : { since }),
    ...(until === null ? {} : { until }),
  }
}

const TIME = /^\d{4}-\d\d-\d\d([Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d))?$/

/** RFC 3339, or a date of UTC. */
function timeQuery(context: AdminContext, name: string): number | null {
  const text = context.req.query(name)
  if (text === undefined) return null
  const time = TIME.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isSafeInteger(time)) return time
  throw new AegisError('invalid_request', `\`${name}\` is no time`, {
    path: name,
    advice: 'write it as RFC 3339, such as 2026-04-06T14:22:00Z',
  })
}

function statsWire(stats: Statistics): JsonObject {
  const { entries, queued, pending, kinds, sessionCount, reviews } = stats
  return {
    ...{ entries, queued, pending, decisions: kinds, sessions: sessionCount },
    since: rfc3339(stats.since),
    complete: stats.complete,
    over_time: {
      bucket_seconds: stats.bucketMs / 1000,
      buckets: stats.buckets.map(({ at, kinds }) => ({ from: rfc3339(at), decisions: kinds })),
    },
    blocked_tools: stats.blockedTools.map(({ name, blocked }) => ({ tool: name, blocked })),
    by_agent: stats.agents.map(({ name, entries, blocked }) => ({ agent: name, entries, blocked })),
    by_session: stats.sessions.map(({ name, entries, blocked }) => ({ session: name, entries, blocked })),
    reviews: { resolved: reviews.resolved, median_wait_seconds: seconds(reviews.medianWaitMs) },
  }
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms) / 1000
}
