import { type RouteGroup, texts } from './route.ts'
import { anyObject, flag, list, named, nullable, object, oneOf, strict, text, uuid } from './schema.ts'

const MOST = { maxLength: 4000 }

const action = strict({
  protocol: text('git, shell, sql, http, file, mcp and the like.', { minLength: 1, ...MOST }),
  tool: text('Canonical: `github.create_pull_request`.', { minLength: 1, ...MOST }),
  target: text('What it acts on: `owner/name`, a path, an address.', { minLength: 1 }),
  'capability?': nullable(text(undefined, MOST)),
  'parameters?': nullable(anyObject),
  'session?': nullable(text('A label in the namespace of the key.', MOST)),
  'agent?': nullable(text('A claim.', MOST)),
  'task?': nullable(text(undefined, MOST)),
  'justification?': nullable(text(undefined, MOST)),
  'approval_ref?': nullable(text('The envelope_id of a review.', MOST)),
  'execute?': nullable(flag),
  'surface?': nullable(oneOf('api', 'hook')),
})

const submit = {
  method: 'post',
  summary: 'Judges an action, records the decision, and carries it out where that is asked for and allowed.',
  role: 'agent',
  parameters: texts('header', {
    'X-Aegis-Session': 'The label of the session, where the body names none.',
  }),
  body: action,
  answers: { 200: named('ActionReply') },
  errors: [404, 409, 429, 502, 503],
} as const

const recorded = object({}, { additionalProperties: true, description: 'An entry with its body as recorded.' })

export const actionRoutes: RouteGroup = {
  tag: 'actions',
  description: 'What agents do. The decision stands in the body: a refusal is an answer like any other.',
  routes: [
    { ...submit, id: 'submitAction', path: '/admin/v1/actions' },
    { ...submit, id: 'testAction', path: '/admin/v1/test-action', summary: 'The same as /admin/v1/actions.' },
    {
      ...submit,
      id: 'simulateAction',
      path: '/admin/v1/simulate',
      summary: 'Judges an action with a full trace. Records nothing, carries out nothing.',
      answers: { 200: named('Simulation') },
    },
    {
      method: 'get',
      path: '/admin/v1/actions/{id}/why',
      id: 'explainAction',
      summary: 'Why an action came out as it did. Agents ask about their own.',
      role: 'agent',
      answers: {
        200: object({
          envelope_id: uuid,
          entries: list(recorded),
          decisions: list(
            object({
              n: { type: 'integer' },
              policy_version: nullable({ type: 'integer' }),
              rule: nullable(anyObject),
              recomputed: anyObject,
            }),
          ),
          approval: nullable(named('Approval')),
        }),
      },
      errors: [400, 404],
    },
  ],
}
