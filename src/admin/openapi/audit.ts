import { file, limitQuery, query, type RouteGroup, texts } from './route.ts'
import { byName, flag, list, named, nullable, object, oneOf, text, time, whole } from './schema.ts'

const filters = [
  ...texts('query', {
    kind: 'Of the entry; several with commas.',
    tool: 'Canonical, or all that begin so where it ends in `*`.',
    agent: 'The name that the agent gives itself.',
    principal: 'Whose sessions.',
    session: 'Id or label.',
    room: 'Its id.',
    policy: 'Its name.',
    reviewer: 'The principal of the person who decided.',
    target: 'What the action was about, in full.',
    envelope: 'Of one envelope.',
  }),
  query('since', 'From this time on.', time),
  query('until', 'Before this time.', time),
]

const ranked = (name: string) => list(object({ [name]: text(), entries: whole, blocked: whole }))
const number = { type: 'number' } as const

export const auditRoutes: RouteGroup = {
  tag: 'audit',
  description: 'Finding out what happened. Agents find what their own sessions did.',
  routes: [
    {
      method: 'get',
      path: '/admin/v1/audit',
      id: 'searchAudit',
      summary: 'Entries that fit all of it, newest first, page by page.',
      role: 'agent',
      parameters: [...filters, limitQuery(50, 1000, 'first'), query('after', 'The `next` of the page before.')],
      answers: {
        200: object({
          entries: list(named('Entry')),
          next: nullable(text('For the next page; null on the last one.')),
          log: object({ known_up_to: whole, size: whole }),
        }),
      },
      errors: [400, 403, 404, 409],
    },
    {
      method: 'get',
      path: '/admin/v1/audit/export',
      id: 'exportAudit',
      summary: 'All entries that fit, as a file.',
      role: 'agent',
      parameters: [...filters, query('format', 'JSON where it is left out.', oneOf('json', 'csv'))],
      answers: { 200: file('*/*', 'application/json or text/csv, as asked for.') },
      errors: [400, 403, 404, 409],
    },
    {
      method: 'get',
      path: '/admin/v1/stats',
      id: 'getStats',
      summary: 'What happened, in numbers.',
      role: 'agent',
      parameters: [query('since', 'From this time on; all of it where left out.', time)],
      answers: {
        200: object({
          entries: whole,
          queued: whole,
          pending: whole,
          decisions: byName(whole),
          sessions: whole,
          since: time,
          complete: flag,
          over_time: object({
            bucket_seconds: number,
            buckets: list(object({ from: time, decisions: byName(whole) })),
          }),
          blocked_tools: list(object({ tool: text(), blocked: whole })),
          by_agent: ranked('agent'),
          by_session: ranked('session'),
          reviews: object({ resolved: whole, median_wait_seconds: nullable(number) }),
        }),
      },
      errors: [400],
    },
  ],
}
