import { AegisError } from '../../core/errors.ts'
import { isObject, type Json, type JsonObject, textMember } from '../../core/json.ts'

/** Git's name of an object: SHA-1, or SHA-256 where the repository uses it. */
const SHA = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/

/** GitHub's answers are read strictly: one that lacks what was asked for is no ground to go on. */
export function objectIn(body: Json, ...path: readonly string[]): JsonObject {
  let value: Json | undefined = body
  for (const key of path) value = isObject(value) ? value[key] : undefined
  if (isObject(value)) return value
  throw strange(path.join('.'))
}

export function shaIn(object: JsonObject, key = 'sha'): string {
  const sha = textMember(object, key)
  if (sha !== undefined && SHA.test(sha)) return sha
  throw strange(key)
}

export function numberIn(object: JsonObject, key: string): number {
  const value = object[key]
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw strange(key)
}

export function textIn(object: JsonObject, key: string): string {
  const value = textMember(object, key)
  if (value !== undefined) return value
  throw strange(key)
}

export function listIn(body: Json, what: string): readonly JsonObject[] {
  if (Array.isArray(body)) return body.filter((item: Json) => isObject(item))
  throw strange(what)
}

function strange(what: string): AegisError {
  return new AegisError('upstream_unreachable', `GitHub's answer lacks \`${what === '' ? 'an object' : what}\``, {
    advice: 'check `api_url` of the credential: this does not look like GitHub',
    data: { sent: true },
  })
}
