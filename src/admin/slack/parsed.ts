import { isObject, type Json, type JsonObject } from '../../core/json.ts'

/** The object that a text of Slack's is; null where it is none. */
export function objectIn(text: string): JsonObject | null {
  try {
    const value: Json = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}
