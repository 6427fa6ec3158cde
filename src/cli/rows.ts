import { AegisError } from '../core/errors.ts'
import { isObject, type Json, type JsonObject } from '../core/json.ts'
import { FORMATS, type Format } from './output.ts'

export interface ListOptions {
  readonly json?: boolean
  readonly format?: string
}

/** `--json` is short for `--format json`. @throws AegisError `invalid_params` for a format there is none of. */
export function formatOf({ json, format }: ListOptions): Format {
  if (json) return 'json'
  const found = FORMATS.find((known) => known === (format ?? 'table'))
  if (found !== undefined) return found
  throw new AegisError('invalid_params', `--format must be one of ${FORMATS.join(', ')}`)
}

/** The rows of an answer such as `{"pending": [...]}`: its one list. */
export function rowsOf(answer: Json): readonly JsonObject[] {
  const found = isObject(answer) ? Object.values(answer).find((value) => Array.isArray(value)) : answer
  if (Array.isArray(found)) return found.filter((row: Json) => isObject(row))
  throw new AegisError('upstream_unreachable', 'the server answered something that is no list', {
    advice: 'Server and command may be of different versions: `aegis stop`, then `aegis serve --detach`.',
  })
}
