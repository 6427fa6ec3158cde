import { NO_RESOURCE } from '../acts.ts'
import type { Act, Action, Capability, Protocol, Resource } from '../envelope.ts'
import { AegisError } from '../errors.ts'
import type { Json, JsonObject } from '../json.ts'
import { excerpt, readPath } from '../paths.ts'
import type { Described } from './catalog.ts'

/** Arguments being read, and what could not be understood on the way. Doubts are for people: they quote, they never echo whole values. */
export interface Reading {
  readonly parameters: JsonObject
  readonly doubts: string[]
  /** Set with a doubt whether it is about the repository that is named, and no other. */
  strays: boolean
}

export function reading(parameters: JsonObject): Reading {
  return { parameters, doubts: [], strays: false }
}

/** Notes that it may reach another repository than the one it names. */
export function doubtPlace(from: Reading, doubt: string): void {
  from.doubts.push(doubt)
  from.strays = true
}

/** The argument as text, or null where it is absent. @throws AegisError `invalid_params` where it is of another type. */
export function optionalText(from: Reading, key: string): string | null {
  const value = member(from.parameters, key)
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw misTyped(key, 'text', value)
  return value
}

/** As `optionalText`, with a doubt where it is absent or empty. */
export function neededText(from: Reading, key: string): string | null {
  const text = optionalText(from, key)
  if (text !== null && text !== '') return text
  from.doubts.push(`the argument \`${key}\` is missing`)
  return null
}

/** An argument that goes by several names. @throws AegisError `invalid_params` where two spellings disagree. */
export function spelling(parameters: JsonObject, keys: readonly string[]): { key: string; value: Json } | null {
  let found: { key: string; value: Json } | null = null
  for (const key of keys) {
    const value = member(parameters, key)
    if (value === undefined) continue
    // Two spellings of one thing: whichever the upstream reads, the other was judged.
    if (found !== null && found.value !== value) {
      throw new AegisError('invalid_params', `\`${found.key}\` and \`${key}\` disagree`, {
        path: `parameters.${key}`,
        advice: `Send only one of ${keys.map((name) => `\`${name}\``).join(', ')}.`,
      })
    }
    found ??= { key, value }
  }
  return found
}

/** An own member; the parameters may come from a plain object with a prototype. */
export function member(parameters: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(parameters, key) ? parameters[key] : undefined
}

export function misTyped(key: string, wanted: string, value: Json): AegisError {
  const got = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`
  return new AegisError('invalid_params', `\`${key}\` must be ${wanted}, not ${got}`, { path: `parameters.${key}` })
}

/** A path argument in normal form, its doubt noted. */
export function notePath(from: Reading, text: string): string {
  const read = readPath(text)
  if (read.doubt !== null) from.doubts.push(read.doubt)
  // Some file systems drop a trailing dot or space: `.env.` would be `.env`.
  if (/[. ](?:\/|$)/.test(read.path.replace(/^\.$/, '')))
    from.doubts.push(`the path ${excerpt(text)} has a name ending in a dot or a space`)
  return read.path
}

/** A call that is one act. */
export function oneAct(act: Act, parameters: JsonObject): Described {
  const { protocol, tool, capability, resource } = act
  return { protocol, tool, capability, parameters, acts: [act], resource }
}

/** A call of several acts under one name; its resource is the union of theirs. */
export function manyActs(
  as: { protocol: Protocol; tool: string; capability: Capability; target: string },
  acts: Action['acts'],
  parameters: JsonObject,
): Described {
  const { protocol, tool, capability, target } = as
  const resource: Resource = {
    ...NO_RESOURCE,
    target,
    operands: acts.flatMap((act) => act.resource.operands),
    paths: acts.flatMap((act) => act.resource.paths),
    branch: acts.find((act) => act.resource.branch.kind !== 'none')?.resource.branch ?? NO_RESOURCE.branch,
  }
  return { protocol, tool, capability, parameters, acts, resource }
}

/** What the catalog says of a tool its table does not hold: a write, never allowed unseen by a glob such as `github.get_*`. */
export function unknownTool(tool: string): string {
  return `the catalog does not know ${excerpt(tool)}, so it counts as a write`
}
