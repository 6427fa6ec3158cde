/** Reads members of GitHub's answers. What is missing or of another type is an error that names it: a fact is never guessed. */
import type { Repository } from '../../core/envelope.ts'
import { isObject, type Json, type JsonObject } from '../../core/json.ts'
import { same } from './place.ts'

export function objectOf(value: Json | undefined, what: string): JsonObject {
  if (isObject(value)) return value
  throw new Error(`GitHub's answer holds no ${what}`)
}

export function listOf(value: Json | undefined, what: string): readonly Json[] {
  if (Array.isArray(value)) return value
  throw new Error(`GitHub's answer holds no list of ${what}`)
}

export function member(object: JsonObject, key: string, what: string): JsonObject {
  return objectOf(object[key], `\`${key}\` of ${what}`)
}

export function text(object: JsonObject, key: string, what: string): string {
  const value = object[key]
  if (typeof value === 'string') return value
  throw new Error(`GitHub's answer holds no text \`${key}\` of ${what}`)
}

export function flag(object: JsonObject, key: string, what: string): boolean {
  const value = object[key]
  if (typeof value === 'boolean') return value
  throw new Error(`GitHub's answer does not say \`${key}\` of ${what}`)
}

export function whole(object: JsonObject, key: string, what: string): number {
  const value = object[key]
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new Error(`GitHub's answer holds no number \`${key}\` of ${what}`)
}

/** Git's name of an object: SHA-1, or SHA-256 where the repository uses it. */
export function sha(object: JsonObject, key: string, what: string): string {
  const value = text(object, key, what)
  if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(value)) return value
  throw new Error(`GitHub's answer holds no SHA \`${key}\` of ${what}`)
}

/** `full_name` in its two parts. */
export function fullName(object: JsonObject, what: string): Repository {
  const [, owner, name] = /^([^/\s]{1,100})\/([^/\s]{1,100})$/.exec(text(object, 'full_name', what)) ?? []
  if (owner === undefined || name === undefined) throw new Error(`GitHub's answer holds no name of ${what}`)
  return { owner, name }
}

/** The login of an account; `ghost` where the account is gone, as GitHub shows it. */
export function login(object: JsonObject, key: string): string {
  const user = object[key]
  return isObject(user) ? text(user, 'login', key) : 'ghost'
}

/** Refuses an answer about another repository than asked for: a former name may lead to it only by the number of the redirect. */
export function checkRepository(object: JsonObject, asked: Repository, moved: number | null): void {
  const about = fullName(object, 'the repository')
  const fits = moved === null ? same(about, asked) : object['id'] === moved
  if (!fits) throw new Error(`GitHub answers about another repository than ${asked.owner}/${asked.name}`)
}
