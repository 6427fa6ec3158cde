import type { Json, JsonObject } from '../../core/json.ts'

/** As deep as what we accept from clients; `core/canonical.ts` takes it with what is wrapped around it. */
const MAX_DEPTH = 64
const REDACTED = '[credential]'

export type Sound = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly problem: string }

/**
 * Makes a parsed upstream message fit to be recorded and shown: refuses what no canonical form can hold, mends halves of
 * surrogate pairs (servers cut text in the middle of one) and takes out the credential that was lent for the call.
 */
export function soundJson(value: Json, secret: string | null): Sound {
  switch (inspect(value, 0, secret)) {
    case 'sound':
      return { ok: true, value }
    case 'text':
      return { ok: true, value: mend(value, secret) }
    case 'depth':
      return { ok: false, problem: `its answer is nested deeper than ${MAX_DEPTH} levels` }
    default:
      return { ok: false, problem: 'its answer holds a number that a double cannot hold' }
  }
}

type Flaw = 'sound' | 'text' | 'depth' | 'number'

function inspect(value: Json, depth: number, secret: string | null): Flaw {
  if (typeof value === 'string') return isClean(value, secret) ? 'sound' : 'text'
  // JSON.parse reads 1e999 as Infinity.
  if (typeof value === 'number') return Number.isFinite(value) ? 'sound' : 'number'
  if (typeof value !== 'object' || value === null) return 'sound'
  if (depth >= MAX_DEPTH) return 'depth'
  let flaw: Flaw = 'sound'
  if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) {
      const found = inspect(item, depth + 1, secret)
      if (found === 'text') flaw = found
      else if (found !== 'sound') return found
    }
    return flaw
  }
  // Fresh from JSON.parse: nothing inherited is enumerable. On the hot path, `Object.entries` would cost an array per member.
  const object = value as JsonObject
  for (const key in object) {
    if (!isClean(key, secret)) flaw = 'text'
    const found = inspect(object[key] ?? null, depth + 1, secret)
    if (found === 'text') flaw = found
    else if (found !== 'sound') return found
  }
  return flaw
}

function isClean(text: string, secret: string | null): boolean {
  return text.isWellFormed() && (secret === null || !text.includes(secret))
}

function mend(value: Json, secret: string | null): Json {
  if (typeof value === 'string') return mendText(value, secret)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => mend(item, secret))
  // A null prototype keeps a hostile `__proto__` an ordinary key.
  const mended: Record<string, Json> = Object.create(null)
  for (const [key, item] of Object.entries(value as JsonObject)) mended[mendText(key, secret)] = mend(item, secret)
  return mended
}

function mendText(text: string, secret: string | null): string {
  const whole = text.toWellFormed()
  return secret === null ? whole : whole.replaceAll(secret, REDACTED)
}
