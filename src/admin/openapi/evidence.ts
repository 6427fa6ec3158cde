import { file, limitQuery, query, type RouteGroup, texts } from './route.ts'
import { list, named, nullable, object, text, time, uuid, whole } from './schema.ts'

const sessions = {
  method: 'get',
  role: 'agent',
  parameters: [limitQuery(200, 1000), query('after', 'The `next` of the page before.')],
  answers: {
    200: object({
      sessions: list(named('Session')),
      'next?': text('For `after` of the next page, where there is one.'),
    }),
  },
  errors: [400],
} as const

const ofSession = { role: 'agent', errors: [404, 409] } as const

export const evidenceRoutes: RouteGroup = {
  tag: 'evidence',
  description: 'What happened, and proof of it. Agents read their own sessions.',
  routes: [
    { ...sessions, path: '/admin/v1/sessions', id: 'listSessions', summary: 'Most recently written first.' },
    {
      ...sessions,
      path: '/admin/v1/evidence/sessions',
      id: 'listEvidenceSessions',
      summary: 'The same as /admin/v1/sessions.',
    },
    {
      ...ofSession,
      method: 'get',
      path: '/admin/v1/evidence/sessions/{session}/export',
      id: 'exportSession',
      summary: 'The evidence bundle.',
      answers: { 200: named('Bundle') },
    },
    {
      ...ofSession,
      method: 'get',
      path: '/admin/v1/evidence/sessions/{session}/statement',
      id: 'signStatement',
      summary: 'An in-toto statement about the session in a DSSE envelope.',
      answers: {
        200: object({
          payloadType: text(),
          payload: text('Base64.'),
          signatures: list(object({ keyid: text(), sig: text() })),
        }),
      },
    },
    {
      ...ofSession,
      method: 'get',
      path: '/admin/v1/evidence/sessions/{session}/report.html',
      id: 'getSessionReport',
      summary: 'The session as a page for people, with the bundle in it.',
      answers: { 200: file('text/html', 'No script, nothing loaded from anywhere.') },
    },
    {
      ...ofSession,
      method: 'post',
      path: '/admin/v1/evidence/sessions/{session}/verify',
      id: 'verifySession',
      summary: 'Checks chain, proofs and signatures as they are stored.',
      answers: { 200: named('VerifyReport') },
    },
    {
      method: 'get',
      path: '/admin/v1/evidence/checkpoint',
      id: 'getCheckpoint',
      summary: 'The newest signed checkpoint.',
      role: 'agent',
      answers: { 200: named('Checkpoint') },
      errors: [503],
    },
    {
      method: 'get',
      path: '/admin/v1/evidence/anchors',
      id: 'listAnchors',
      summary: 'Places that checkpoints are taken to, and how far behind each is.',
      role: 'viewer',
      answers: {
        200: object({
          anchors: list(
            object({
              name: text(),
              kind: text(),
              anchored_size: nullable(whole),
              newest_size: nullable(whole),
              lag_entries: whole,
              lag_seconds: whole,
              attempts: whole,
              last_error: nullable(object({ fault: text(), message: text(), at: time })),
            }),
          ),
        }),
      },
    },
    {
      method: 'post',
      path: '/admin/v1/evidence/rotate-key',
      id: 'rotateLogKey',
      summary: 'Hands the signing of the log over to a new key.',
      role: 'admin',
      answers: { 200: object({ vkey: text(), checkpoint: named('Checkpoint') }) },
      errors: [409, 503],
    },
    {
      method: 'get',
      path: '/admin/v1/logs',
      id: 'listLogs',
      summary: 'Entries, newest first. Without a session: for viewers.',
      role: 'agent',
      parameters: [
        ...texts('query', { session: 'Its id or label.', kind: 'Of the entry.' }),
        query('envelope', 'Of one envelope.', uuid),
        query('before', 'Entries with a smaller n.', { type: 'integer', minimum: 1 }),
        limitQuery(50, 1000),
      ],
      answers: { 200: object({ entries: list(named('Entry')) }) },
      errors: [400, 403, 404, 409],
    },
    {
      method: 'get',
      path: '/admin/v1/evidence/holds',
      id: 'listHolds',
      summary: 'Sessions that may not be pruned.',
      role: 'viewer',
      answers: { 200: object({ holds: list(object({ session: text(), reason: text(), since: time })) }) },
    },
  ],
}
