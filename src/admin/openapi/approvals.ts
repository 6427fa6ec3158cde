import { APPROVAL_STATUSES } from '../../core/approval.ts'
import { limitQuery, query, type RouteGroup } from './route.ts'
import { list, named, nullable, object, oneOf, strict, text, whole } from './schema.ts'

const settle = {
  method: 'post',
  role: 'reviewer',
  body: strict({
    'comment?': text(undefined, { maxLength: 4000 }),
    'reviewer?': text('A name to show; never trusted.'),
  }),
  answers: { 200: named('Resolution') },
  errors: [404, 409, 503],
} as const
const approve = {
  ...settle,
  body: strict({
    'comment?': text(undefined, { maxLength: 4000 }),
    'reviewer?': text('A name to show; never trusted.'),
    'repeat?': { type: 'boolean', description: 'Let it run again and again for as long as the rule says.' },
  }),
} as const

const next = text('For `after` of the next page, where there is one.')

const listOf = (name: string) => object({ [`${name}?`]: list(named('Approval')), 'next?': next })

export const approvalRoutes: RouteGroup = {
  tag: 'approvals',
  description: 'Reviews that wait for a person. Agents see their own and settle none.',
  routes: [
    {
      method: 'get',
      path: '/admin/v1/approvals',
      id: 'listApprovals',
      summary: 'Oldest first, under the name of the status that was asked for; `approvals` for all.',
      role: 'agent',
      parameters: [
        query('status', 'Pending ones where it is left out.', oneOf(...APPROVAL_STATUSES, 'all')),
        query('tool', 'Canonical, or all that begin so where it ends in `*`.'),
        limitQuery(200, 1000),
        query('after', 'The `next` of the page before.'),
      ],
      answers: { 200: { anyOf: [...APPROVAL_STATUSES, 'approvals'].map(listOf) } },
      errors: [400],
    },
    {
      method: 'get',
      path: '/admin/v1/approvals/bundles',
      id: 'listApprovalBundles',
      summary: 'What waits, by session, those with most waiting first.',
      role: 'viewer',
      answers: {
        200: object({
          bundles: list(
            object({
              session: text(),
              agent: text(),
              tool: nullable(text('Of all of them; null where they differ.')),
              target: nullable(text('Of all of them; null where they differ.')),
              together: { type: 'boolean', description: 'False where one of them may only be approved by itself.' },
              approvals: list(named('Approval')),
            }),
          ),
        }),
      },
    },
    {
      method: 'post',
      path: '/admin/v1/approvals/approve',
      id: 'approveSeveral',
      summary: 'A yes to each of these, each by itself; refused whole where one of several is critical.',
      role: 'reviewer',
      body: strict({
        ids: list(text(), { minItems: 1, maxItems: 100 }),
        'comment?': text(undefined, { maxLength: 4000 }),
        'reviewer?': text('A name to show; never trusted.'),
      }),
      answers: {
        200: object({
          results: list(object({ envelope_id: text(), http_status: whole }, { additionalProperties: true })),
        }),
      },
    },
    {
      method: 'get',
      path: '/admin/v1/approvals/{id}',
      id: 'getApproval',
      summary: 'One approval.',
      role: 'agent',
      answers: { 200: named('Approval') },
      errors: [404],
    },
    { ...approve, path: '/admin/v1/approvals/{id}/approve', id: 'approve', summary: 'A yes to exactly this action.' },
    { ...settle, path: '/admin/v1/approvals/{id}/deny', id: 'deny', summary: 'A no, which is remembered for a time.' },
  ],
}

const delegation = object({
  id: text(),
  from: text('Owner of the key that gave it.'),
  principal: text(),
  to: text('Owner of the keys that may speak.'),
  since: text(),
  until: text(),
  ended_at: nullable(text()),
})

export const delegationRoutes: RouteGroup = {
  tag: 'delegations',
  description: 'Reviewers who let another speak in their place for a time.',
  routes: [
    {
      method: 'get',
      path: '/admin/v1/delegations',
      id: 'listDelegations',
      summary: "One's own, given and received; everybody's for an administrator.",
      role: 'reviewer',
      answers: { 200: object({ delegations: list(delegation) }) },
    },
    {
      method: 'post',
      path: '/admin/v1/delegations',
      id: 'delegate',
      summary: "Lets the owner of another reviewer's key speak in one's place.",
      role: 'reviewer',
      body: strict({
        to: text('Owner of the keys that may speak.', { examples: ['alice'] }),
        until: text('`2h`, a date or an RFC 3339 time; at most 30 days from now.', { examples: ['2h', '7d'] }),
      }),
      answers: { 201: delegation },
      errors: [404],
    },
    {
      method: 'delete',
      path: '/admin/v1/delegations/{delegation}',
      id: 'endDelegation',
      summary: 'Takes one back.',
      role: 'reviewer',
      answers: { 200: delegation },
      errors: [404, 409],
    },
  ],
}
