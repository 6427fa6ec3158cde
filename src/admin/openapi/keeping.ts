import { COMMITTED } from '../../ledger/draft.ts'
import type { RouteGroup } from './route.ts'
import { flag, hash, list, object, oneOf, strict, text, time, whole } from './schema.ts'

const some = { minLength: 1 }
const session = text('Its id or label.', some)

const act = { method: 'post', role: 'admin', errors: [404, 409, 503] } as const

export const keepingRoutes: RouteGroup = {
  tag: 'keeping',
  description: 'How long evidence is kept (docs/evidence-keeping.md).',
  routes: [
    {
      ...act,
      path: '/admin/v1/evidence/erase',
      id: 'eraseValues',
      summary: 'Erases committed values; the entry and its hash stay.',
      body: strict({
        entry: whole,
        paths: list(oneOf(...COMMITTED), { minItems: 1 }),
        reason: text(undefined, { ...some, maxLength: 1000 }),
        'authority?': text(undefined, { ...some, maxLength: 300 }),
        'everywhere?': flag,
      }),
      answers: {
        200: object({
          leaves: list(whole),
          erased: list(whole),
          remaining: list(whole),
          envelopes: list(text()),
          overwritten: flag,
        }),
      },
    },
    {
      ...act,
      path: '/admin/v1/evidence/hold',
      id: 'holdSession',
      summary: 'Keeps a session from being pruned.',
      body: strict({ session, reason: text(undefined, some) }),
      answers: { 200: object({ session: text(), reason: text(), since: time }) },
    },
    {
      ...act,
      path: '/admin/v1/evidence/unhold',
      id: 'unholdSession',
      summary: 'Lifts a hold.',
      body: strict({ session }),
      answers: { 200: object({ session: text() }) },
    },
    {
      ...act,
      path: '/admin/v1/evidence/close',
      id: 'closeSession',
      summary: 'Closes a session; a late entry opens it again.',
      body: strict({ session }),
      answers: { 200: object({ session: text(), status: text() }) },
    },
    {
      ...act,
      path: '/admin/v1/evidence/prune',
      id: 'pruneLog',
      summary: 'Deletes old entries that an archive holds.',
      body: strict({ min_index: { type: 'integer', minimum: 256, multipleOf: 256 }, archive_sha256: hash, root: hash }),
      answers: { 200: object({ n: whole, min_index: whole, deleted: whole }) },
    },
  ],
}
