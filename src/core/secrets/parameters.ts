import { isObject, type Json, type JsonObject } from '../json.ts'
import { excerpt } from '../paths.ts'
import type { SecretHit } from './hit.ts'
import { scan } from './scan.ts'

/** A secret in a call's arguments. */
export interface PlacedHit {
  readonly hit: SecretHit
  /** `files[2].content`, `message`, `a key of inputs`. */
  readonly place: string
  /** 1-based. */
  readonly line: number
  /** The whole lines it stands in, for comparison with a change's: never shown. */
  readonly lines: readonly string[]
}

/** A shorter text holds no secret of any kind that is known. */
const SHORTEST = 14

/** Every text of the arguments, keys too, searched for secrets. */
export function scanParameters(parameters: JsonObject): readonly PlacedHit[] {
  const found: PlacedHit[] = []
  walk(parameters, '', found)
  return found
}

/** One text that stands beside the arguments, such as a command line. */
export function scanText(text: string, place: string): readonly PlacedHit[] {
  if (text.length < SHORTEST) return []
  return scan(text).map((hit) => ({ hit, place, line: lineOf(text, hit.offset), lines: linesOf(text, hit) }))
}

function walk(value: Json, place: string, found: PlacedHit[]): void {
  if (typeof value === 'string') found.push(...scanText(value, place))
  else if (Array.isArray(value)) for (const [index, item] of value.entries()) walk(item, `${place}[${index}]`, found)
  else if (isObject(value)) {
    for (const [key, member] of Object.entries(value)) {
      found.push(...scanText(key, place === '' ? 'the name of an argument' : `a key of ${place}`))
      walk(member, place === '' ? shown(key) : `${place}.${shown(key)}`, found)
    }
  }
}

/** A key may be a secret itself: long ones are not repeated. */
function shown(key: string): string {
  if (/^\w{1,32}$/.test(key) && key.length < SHORTEST) return key
  return key.length < SHORTEST ? excerpt(key) : '(a long key)'
}

function lineOf(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line += 1
  return line
}

function linesOf(text: string, { offset, length }: SecretHit): readonly string[] {
  const start = text.lastIndexOf('\n', offset - 1) + 1
  const end = text.indexOf('\n', offset + Math.max(length - 1, 0))
  return text.slice(start, end === -1 ? text.length : end).split('\n')
}
