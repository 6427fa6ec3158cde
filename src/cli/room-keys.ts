import { isObject, type JsonObject, textMember } from '../core/json.ts'
import { adminEndpoint, ask } from './client.ts'
import { processContext } from './context.ts'
import { endOf, keyIdOf, tellSecret } from './key-output.ts'
import { type Column, jsonText, list, visible } from './output.ts'
import { roomPath } from './rooms.ts'
import { formatOf, type ListOptions, rowsOf } from './rows.ts'

const COLUMNS: readonly Column<JsonObject>[] = [
  { title: 'KEY', value: (row) => textMember(row, 'id') ?? '' },
  { title: 'NAME', value: (row) => textMember(row, 'name') ?? '' },
  { title: 'ROLE', value: (row) => textMember(row, 'role') ?? '' },
  { title: 'BEGINS WITH', value: (row) => textMember(row, 'prefix') ?? '' },
  { title: 'FOR', value: (row) => textMember(row, 'sponsor') ?? '' },
  { title: 'LAST USED', value: (row) => textMember(row, 'last_used_at') ?? 'never' },
  { title: 'ENDS', value: endOf },
]

export async function createKey(
  room: string,
  options: { role: string; name: string; sponsor?: string; json?: boolean },
): Promise<void> {
  const context = processContext()
  const { name, sponsor } = options
  const body = { name, role: options.role.toUpperCase(), ...(sponsor === undefined ? {} : { sponsor }) }
  const answer = await ask(adminEndpoint(context), 'POST', roomPath(room, '/keys'), body)
  if (options.json === true || !isObject(answer)) return context.out(jsonText(answer))
  tellSecret(context, answer, `${textMember(answer, 'id')} (${textMember(answer, 'role')}) for ${room}`)
}

export async function listKeys(room: string, options: ListOptions): Promise<void> {
  const context = processContext()
  const format = formatOf(options)
  context.out(list(await keysOf(room), COLUMNS, format))
}

export async function revokeKey(room: string, text: string, options: { json?: boolean }): Promise<void> {
  const context = processContext()
  const id = keyIdOf(await keysOf(room), text, `aegisctl rooms key list ${room}`)
  const answer = await ask(adminEndpoint(context), 'DELETE', roomPath(room, `/keys/${encodeURIComponent(id)}`))
  context.out(options.json === true ? jsonText(answer) : `revoked: ${visible(id)}\n`)
}

async function keysOf(room: string): Promise<readonly JsonObject[]> {
  return rowsOf(await ask(adminEndpoint(processContext()), 'GET', roomPath(room, '/keys')))
}
