import { APPROVAL_STATUSES } from '../../core/approval.ts'
import { limitQuery, query, type RouteGroup } from './route.ts'
import { list, named, object, oneOf, strict, text } from './schema.ts'

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

const listOf = (name: string) => object({ [`${name}?`]: list(named('Approval')) })

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
        limitQuery(200, 1000),
      ],
      answers: { 200: { anyOf: [...APPROVAL_STATUSES, 'approvals'].map(listOf) } },
      errors: [400],
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
    { ...settle, path: '/admin/v1/approvals/{id}/approve', id: 'approve', summary: 'A yes to exactly this action.' },
    { ...settle, path: '/admin/v1/approvals/{id}/deny', id: 'deny', summary: 'A no, which is remembered for a time.' },
  ],
}
