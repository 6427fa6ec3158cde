import type { Json } from '../../src/core/json.ts'
import type { Fault, Seen, Stage } from '../../starter-kit/forge/index.ts'

/** The forge's stage as a test uses it: what was asked, and what is spoiled from now on. */
export interface Spoiling extends Stage {
  readonly seen: Seen[]
  /** Spoils answers to paths that fit. */
  spoil(path: RegExp, fault: Fault): void
  /** Everything as it is again, and nothing seen. */
  clear(): void
}

export function spoiling(): Spoiling {
  const seen: Seen[] = []
  const rules: { readonly path: RegExp; readonly fault: Fault }[] = []
  return {
    seen,
    observe: (one) => void seen.push(one),
    fault: ({ path }) => rules.find((rule) => rule.path.test(path))?.fault ?? null,
    spoil: (path, fault) => void rules.unshift({ path, fault }),
    clear() {
      seen.length = 0
      rules.length = 0
    },
  }
}

/** A lie: the answer with another value at this place (`head.sha`, `0.filename`); undefined takes it out. */
export function lie(place: string, value: Json | undefined): Fault {
  return { kind: 'alter', alter: (json) => put(json, place.split('.'), value) }
}

function put(json: Json, [key, ...rest]: readonly string[], value: Json | undefined): Json {
  if (key === undefined) return value ?? null
  if (Array.isArray(json))
    return json.map((item: Json, index) => (String(index) === key ? put(item, rest, value) : item))
  const entries = Object.entries(json ?? {}).filter(([name]) => name !== key || rest.length > 0)
  const object: Record<string, Json> = Object.fromEntries(entries)
  if (rest.length > 0) object[key] = put(object[key] ?? {}, rest, value)
  else if (value !== undefined) object[key] = value
  return object
}
