/** Any JSON value. Parsed once at the rim by `strict-json.ts`; inside the house this type is trusted. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

/** A JSON object. Values parsed by `strict-json.ts` have a null prototype, so `__proto__` is an ordinary key. */
export interface JsonObject {
  readonly [key: string]: Json
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The member as text, or undefined where it is absent or of another type. */
export function textMember(object: JsonObject, key: string): string | undefined {
  const value = object[key]
  return typeof value === 'string' ? value : undefined
}
