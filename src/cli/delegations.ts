import { isObject, type JsonObject, textMember } from '../core/json.ts'
import { adminEndpoint, ask } from './client.ts'
import { processContext } from './context.ts'
import { type Column, jsonText, list, visible } from './output.ts'
import { formatOf, type ListOptions, rowsOf } from './rows.ts'

const DELEGATIONS = '/admin/v1/delegations'

const COLUMNS: readonly Column<JsonObject>[] = [
  { title: 'ID', value: (row) => textMember(row, 'id') ?? '' },
  { title: 'FOR', value: (row) => textMember(row, 'from') ?? '' },
  { title: 'SPEAKS', value: (row) => textMember(row, 'to') ?? '' },
  { title: 'UNTIL', value: (row) => textMember(row, 'until') ?? '' },
]

/** Lets another reviewer speak in one's place. */
export async function delegate(options: { to: string; until: string; json?: boolean }): Promise<void> {
  const context = processContext()
  const answer = await ask(adminEndpoint(context), 'POST', DELEGATIONS, { to: options.to, until: options.until })
  if (options.json || !isObject(answer)) return context.out(jsonText(answer))
  const [id, to, until] = ['id', 'to', 'until'].map((name) => visible(textMember(answer, name) ?? ''))
  context.out(`${to} speaks in your place until ${until}; \`aegisctl delegations --end ${id}\` ends it\n`)
}

/** One's own, given and received; with `end` one of them is taken back. */
export async function delegations(options: ListOptions & { end?: string }): Promise<void> {
  const context = processContext()
  const endpoint = adminEndpoint(context)
  if (options.end !== undefined) {
    const ended = await ask(endpoint, 'DELETE', `${DELEGATIONS}/${encodeURIComponent(options.end)}`)
    return context.out(options.json ? jsonText(ended) : `${visible(options.end)} has ended\n`)
  }
  const format = formatOf(options)
  context.out(list(rowsOf(await ask(endpoint, 'GET', DELEGATIONS)), COLUMNS, format))
}
