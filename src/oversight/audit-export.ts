import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import type { StoredEntry } from '../ledger/store.ts'

/** An entry as a list shows it: place, hash, and its body as recorded. */
export function entryJson({ n, hash, body }: StoredEntry): JsonObject {
  const recorded: Json = JSON.parse(Buffer.from(body).toString('utf8'))
  return { n, hash, ...(isObject(recorded) ? recorded : {}) }
}

/** One JSON document, piece by piece. */
export async function* jsonExport(batches: AsyncIterable<readonly StoredEntry[]>): AsyncGenerator<string> {
  let between = '{"entries":[\n'
  for await (const batch of batches) {
    for (const entry of batch) {
      yield between + JSON.stringify(entryJson(entry))
      between = ',\n'
    }
  }
  yield `${between === ',\n' ? '' : between}\n]}\n`
}

const text =
  (...path: readonly string[]) =>
  (entry: JsonObject): string => {
    let at: Json | undefined = entry
    for (const member of path) at = isObject(at) ? at[member] : undefined
    return typeof at === 'string' || typeof at === 'number' ? String(at) : ''
  }

const COLUMNS = {
  n: text('n'),
  ts: text('ts'),
  kind: text('kind'),
  session: text('session'),
  principal: (entry: JsonObject) => (textMember(entry, 'session') ?? '').replace(/\/.*/s, ''),
  agent: text('actor', 'agent'),
  subject: text('actor', 'subject'),
  protocol: text('action', 'protocol'),
  tool: text('action', 'tool'),
  capability: text('action', 'capability'),
  policy: text('decision', 'policy'),
  rule: text('decision', 'rule'),
  effect: text('effect'),
  blast: text('blast', 'level'),
  score: text('blast', 'score'),
  outcome: text('outcome', 'status'),
  label: text('outcome', 'label'),
  reviewer: text('reviewer', 'principal'),
  reviewer_name: text('reviewer', 'name'),
  claimed: text('reviewer', 'claimed'),
  channel: text('reviewer', 'channel'),
  envelope: text('env'),
  ref: text('ref'),
  hash: text('hash'),
} as const satisfies Record<string, (entry: JsonObject) => string>

/** RFC 4180, piece by piece. */
export async function* csvExport(batches: AsyncIterable<readonly StoredEntry[]>): AsyncGenerator<string> {
  yield `${Object.keys(COLUMNS).join(',')}\r\n`
  for await (const batch of batches) {
    const rows = batch.map(entryJson).map((entry) => Object.values(COLUMNS).map((column) => csvCell(column(entry))))
    yield rows.map((row) => `${row.join(',')}\r\n`).join('')
  }
}

/** What a spreadsheet would take for a formula begins with an apostrophe: agents choose their names and those of their tools. */
export function csvCell(value: string): string {
  const plain = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/.test(value) ? `'${value}` : value
  return /[",\r\n\t']/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain
}
