/** Reading members of a request body; what is of another type than GitHub documents is a 422 that names it. */
import { isObject, type Json, type JsonObject } from '../../src/core/json.ts'
import { missing, Refusal } from './problem.ts'

export function requiredText(body: JsonObject, key: string, resource: string): string {
  const value = optionalText(body, key)
  if (value === undefined || value === '') throw missing(resource, key)
  return value
}

export function optionalText(body: JsonObject, key: string): string | undefined {
  const value = body[key]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw wrongType(key, 'a string')
  return value
}

export function flag(body: JsonObject, key: string): boolean {
  const value = body[key] ?? false
  if (typeof value !== 'boolean') throw wrongType(key, 'a boolean')
  return value
}

export function textList(body: JsonObject, key: string): string[] | undefined {
  const value = body[key]
  if (value === undefined || value === null) return undefined
  if (!Array.isArray(value)) throw wrongType(key, 'a list')
  return value.map((item: Json) => {
    if (typeof item === 'string') return item
    const name = isObject(item) ? item['name'] : undefined
    if (typeof name === 'string') return name
    throw wrongType(key, 'a list of names')
  })
}

export function objectList(body: JsonObject, key: string): JsonObject[] {
  const value = body[key] ?? []
  if (!Array.isArray(value) || !value.every(isObject)) throw wrongType(key, 'a list of objects')
  return value
}

export function wholeNumber(body: JsonObject, key: string): number | null {
  const value = body[key]
  if (value === undefined || value === null) return null
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw wrongType(key, 'an integer')
  return value
}

function wrongType(key: string, wanted: string): Refusal {
  return new Refusal(422, `Invalid request.\n\nFor '${key}', the given value is not ${wanted}.`)
}
