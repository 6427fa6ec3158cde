import { query, type RouteGroup } from './route.ts'
import { hash, list, named, nullable, object, oneOf, text, whole } from './schema.ts'

const upstream = query('upstream', 'Of one upstream.')

const decide = {
  method: 'post',
  role: 'admin',
  body: object({
    pins: list(object({ upstream: text(), tool: text(), digest: hash }), { minItems: 1, maxItems: 2000 }),
  }),
  errors: [404, 409],
} as const

export const pinRoutes: RouteGroup = {
  tag: 'pins',
  description: 'Definitions of tools as upstreams give them (docs/tool-pins.md).',
  routes: [
    {
      method: 'get',
      path: '/admin/v1/pins',
      id: 'listPins',
      summary: 'What is in force, and what waits for somebody to look at it.',
      role: 'viewer',
      parameters: [upstream, query('status', 'All where it is left out.', oneOf('waiting', 'accepted', 'all'))],
      answers: { 200: object({ pins: list(named('Pin')) }) },
      errors: [400, 404],
    },
    {
      method: 'get',
      path: '/admin/v1/pins/diff',
      id: 'diffPins',
      summary: 'What waits, against what was accepted last.',
      role: 'viewer',
      parameters: [{ ...upstream, description: 'Needed.' }, query('tool', 'Of one tool.')],
      answers: {
        200: object({
          changes: list({
            allOf: [
              named('Pin'),
              object({ differs: list(object({ path: text(), before: nullable(text()), after: nullable(text()) })) }),
            ],
          }),
        }),
      },
      errors: [404],
    },
    {
      ...decide,
      path: '/admin/v1/pins/accept',
      id: 'acceptPins',
      summary: 'These definitions are in force from now on.',
      answers: { 200: object({ accepted: whole }) },
    },
    {
      ...decide,
      path: '/admin/v1/pins/reject',
      id: 'rejectPins',
      summary: 'These definitions are not.',
      answers: { 200: object({ rejected: whole }) },
    },
  ],
}
