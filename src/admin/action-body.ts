import { AegisError } from '../core/errors.ts'
import { isObject, type Json, type JsonObject } from '../core/json.ts'
import type { IncomingCall } from '../gateway/ports.ts'

const MEMBERS = [
  'protocol',
  'tool',
  'target',
  'capability',
  'parameters',
  'session',
  'agent',
  'task',
  'justification',
  'approval_ref',
  'execute',
  'surface',
] as const

/** Longest free text a caller may attach, in characters. */
const TEXT_LIMIT = 4000

/** What the body of `POST /admin/v1/test-action` says, checked member by member. */
export type ActionBody = Pick<
  IncomingCall,
  'surface' | 'what' | 'agent' | 'sessionLabel' | 'task' | 'justification' | 'approvalRef' | 'execute'
>

/** @throws AegisError `invalid_request` naming the member to mend. */
export function parseActionBody(body: Json, sessionHeader: string | null): ActionBody {
  if (!isObject(body)) throw new AegisError('invalid_request', 'the body must be a JSON object')
  for (const key of Object.keys(body)) {
    if (!(MEMBERS as readonly string[]).includes(key)) {
      throw bad(key, `unknown member \`${key.slice(0, 64)}\``, `known are: ${MEMBERS.join(', ')}`)
    }
  }
  const approvalRef = text(body, 'approval_ref')
  const parameters = objectOf(body, 'parameters')
  return {
    surface: surfaceOf(body),
    what: {
      kind: 'action',
      protocol: required(body, 'protocol'),
      tool: required(body, 'tool'),
      target: required(body, 'target'),
      capability: text(body, 'capability'),
      parameters: parameters ?? (approvalRef === null ? {} : null),
    },
    agent: text(body, 'agent'),
    sessionLabel: text(body, 'session') ?? sessionHeader,
    task: text(body, 'task'),
    justification: text(body, 'justification'),
    approvalRef,
    execute: flag(body, 'execute'),
  }
}

function surfaceOf(body: JsonObject): 'api' | 'hook' {
  const surface = text(body, 'surface') ?? 'api'
  if (surface !== 'api' && surface !== 'hook') throw bad('surface', 'surface must be api or hook')
  return surface
}

function required(body: JsonObject, key: string): string {
  const value = text(body, key)
  if (value === null || value === '') {
    throw bad(key, `\`${key}\` is missing`, 'protocol, tool and target are required')
  }
  return value
}

function text(body: JsonObject, key: string): string | null {
  const value = body[key]
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw bad(key, `\`${key}\` must be text`)
  if (key !== 'target' && value.length > TEXT_LIMIT)
    throw bad(key, `\`${key}\` is longer than ${TEXT_LIMIT} characters`)
  return value
}

function objectOf(body: JsonObject, key: string): JsonObject | null {
  const value = body[key]
  if (value === undefined || value === null) return null
  if (!isObject(value)) throw bad(key, `\`${key}\` must be an object`)
  return value
}

function flag(body: JsonObject, key: string): boolean {
  const value = body[key]
  if (value === undefined || value === null) return false
  if (typeof value !== 'boolean') throw bad(key, `\`${key}\` must be true or false`)
  return value
}

function bad(path: string, message: string, advice?: string): AegisError {
  return new AegisError('invalid_request', message, advice === undefined ? { path } : { path, advice })
}
