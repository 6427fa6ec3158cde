import { ERROR_CODES } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { actionRoutes } from './actions.ts'
import { approvalRoutes, delegationRoutes } from './approvals.ts'
import { auditRoutes } from './audit.ts'
import { components } from './components.ts'
import { credentialRoutes } from './credentials.ts'
import { evidenceRoutes } from './evidence.ts'
import { keepingRoutes } from './keeping.ts'
import { keyRoutes } from './keys.ts'
import { peopleRoutes } from './people.ts'
import { pinRoutes } from './pins.ts'
import { policyRoutes } from './policies.ts'
import { roomRoutes } from './rooms.ts'
import { type Answer, isFile, parametersOf, type Route, type RouteGroup } from './route.ts'
import { systemRoutes } from './system.ts'

export const ROUTE_GROUPS: readonly RouteGroup[] = [
  actionRoutes,
  approvalRoutes,
  delegationRoutes,
  evidenceRoutes,
  auditRoutes,
  policyRoutes,
  roomRoutes,
  keyRoutes,
  credentialRoutes,
  pinRoutes,
  keepingRoutes,
  peopleRoutes,
  systemRoutes,
]

/** The OpenAPI 3.1 document of the admin API. */
export function openApiDocument(adminUrl: string, version: string): JsonObject {
  const paths: Record<string, Record<string, JsonObject>> = {}
  for (const { tag, routes } of ROUTE_GROUPS) {
    for (const route of routes) {
      paths[route.path] = { ...paths[route.path], [route.method]: operation(route, tag) }
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Aegis admin API', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: adminUrl }],
    tags: ROUTE_GROUPS.map(({ tag, description }) => ({ name: tag, description })),
    paths,
    components: { schemas: components, securitySchemes: SECURITY },
    security: Object.keys(SECURITY).map((name) => ({ [name]: [] })),
  }
}

const SECURITY = {
  key: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
  bearer: { type: 'http', scheme: 'bearer', description: 'The same key.' },
} as const

function operation(route: Route, tag: string): JsonObject {
  const { id, summary, role, body } = route
  const parameters = parametersOf(route)
  return {
    operationId: id,
    tags: [tag],
    summary,
    'x-aegis-role': role,
    ...(role === 'anybody' ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: { ...answers(route), ...refusals(route) },
  }
}

function answers(route: Route): JsonObject {
  return Object.fromEntries(Object.entries(route.answers).map(([status, answer]) => [status, response(answer)]))
}

function response(answer: Answer): JsonObject {
  if (isFile(answer)) return { description: answer.description, content: { [answer.type]: {} } }
  return { description: 'Done.', content: { 'application/json': { schema: answer } } }
}

function refusals(route: Route): JsonObject {
  const schema = { $ref: '#/components/schemas/Error' }
  const refusal = (status: number) => ({
    description: MEANINGS[status] ?? 'Refused.',
    content: { 'application/json': { schema } },
  })
  return Object.fromEntries(refusedWith(route).map((status) => [status, refusal(status)]))
}

/** Statuses a route may refuse with: those of every route of its kind, and its own. */
export function refusedWith({ role, body, answers, errors = [] }: Route): readonly number[] {
  const all = [
    ...(role === 'anybody' ? [] : [401]),
    ...(role === 'anybody' || role === 'agent' ? [] : [403]),
    ...(body === undefined ? [] : [400, 403, 413, 415]),
    ...errors,
  ]
  return [...new Set(all)].filter((status) => answers[status] === undefined).sort((one, other) => one - other)
}

const MEANINGS: Readonly<Record<number, string>> = {
  400: 'Something in the request is wrong: `path` names it.',
  401: 'No key, or none that is good.',
  403: 'The caller may not.',
  404: 'There is none, or none the caller may know of.',
  409: 'Not as things are now.',
  [ERROR_CODES.too_large.http]: 'The body is too large.',
  [ERROR_CODES.unsupported_media_type.http]: 'The body must be JSON.',
  429: 'Too many at once.',
  500: 'A policy does not compile, or something unforeseen.',
  502: 'An upstream cannot be reached.',
  503: 'Evidence cannot be recorded now: nothing runs.',
}
