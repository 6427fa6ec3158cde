import { file, type RouteGroup } from './route.ts'
import { anyObject, flag, list, nullable, object, strict, text } from './schema.ts'

const answer = object({ 'data?': nullable(anyObject), 'errors?': list(anyObject) })

export const systemRoutes: RouteGroup = {
  tag: 'system',
  description: 'The server itself, and other ways to the same things.',
  routes: [
    {
      method: 'post',
      path: '/admin/v1/graphql',
      id: 'graphql',
      summary: 'GraphQL (docs/graphql.md); subscriptions as Server-Sent Events.',
      role: 'agent',
      body: strict({
        query: text(undefined, { maxLength: 32_768 }),
        'variables?': nullable(anyObject),
        'operationName?': nullable(text()),
        'extensions?': nullable(anyObject),
      }),
      answers: { 200: answer, 400: answer, 413: answer, 415: answer, 429: answer },
    },
    {
      method: 'get',
      path: '/admin/v1/openapi.json',
      id: 'getOpenApi',
      summary: 'This document.',
      role: 'agent',
      answers: { 200: anyObject },
    },
    {
      method: 'get',
      path: '/health',
      id: 'getHealth',
      summary: 'Whether the server answers.',
      role: 'anybody',
      answers: { 200: object({ status: text() }) },
    },
    {
      method: 'get',
      path: '/ready',
      id: 'getReady',
      summary: 'Whether calls would run now.',
      role: 'anybody',
      answers: { 200: object({ ready: flag }), 503: object({ ready: flag, reason: text() }) },
    },
    {
      method: 'get',
      path: '/metrics',
      id: 'getMetrics',
      summary: "Metrics in Prometheus' text format.",
      role: 'anybody',
      answers: { 200: file('text/plain', 'Prometheus 0.0.4.') },
    },
  ],
}
