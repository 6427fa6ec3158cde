import { AegisError } from '../../core/errors.ts'
import { isObject, type Json } from '../../core/json.ts'

/** The bundle with one stored word changed: the block became an allow. Nothing else is touched, hashes included. */
export function tampered(bundle: string): string {
  const value = JSON.parse(bundle) as Json
  const entries = isObject(value) ? value['entries'] : undefined
  if (!isObject(value) || !Array.isArray(entries)) throw notOurs()
  const changed = entries.map((entry: Json) => {
    if (!isObject(entry) || typeof entry['body'] !== 'string') throw notOurs()
    return { ...entry, body: entry['body'].replace('"kind":"block"', '"kind":"allow"') }
  })
  return `${JSON.stringify({ ...value, entries: changed }, null, 2)}\n`
}

function notOurs(): AegisError {
  return new AegisError('cannot_decide', 'the exported file is no evidence bundle')
}
