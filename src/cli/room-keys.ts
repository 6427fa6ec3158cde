import { AegisError } from '../core/errors.ts'
import { isObject, type JsonObject, textMember } from '../core/json.ts'
import { adminEndpoint, ask } from './client.ts'
import { processContext } from './context.ts'
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
  { title: 'REVOKED', value: (row) => textMember(row, 'revoked_at') ?? '' },
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
  // The secret alone on stdout: it can be piped to where it belongs, and stands in no other line.
  context.err(
    `key ${textMember(answer, 'id')} (${visible(textMember(answer, 'role') ?? '')}) for ${visible(room)}; ` +
      'its secret is shown this once. Send it as `Authorization: Bearer KEY` or `X-Agent-Key: KEY`.\n',
  )
  context.out(`${textMember(answer, 'secret') ?? ''}\n`)
}

export async function listKeys(room: string, options: ListOptions): Promise<void> {
  const context = processContext()
  const format = formatOf(options)
  context.out(list(await keysOf(room), COLUMNS, format))
}

export async function revokeKey(room: string, text: string, options: { json?: boolean }): Promise<void> {
  const context = processContext()
  const id = await idOf(room, text)
  const answer = await ask(adminEndpoint(context), 'DELETE', roomPath(room, `/keys/${encodeURIComponent(id)}`))
  context.out(options.json === true ? jsonText(answer) : `revoked: ${visible(id)}\n`)
}

async function keysOf(room: string): Promise<readonly JsonObject[]> {
  return rowsOf(await ask(adminEndpoint(processContext()), 'GET', roomPath(room, '/keys')))
}

/** The key of this id, or of this name among those in force. */
async function idOf(room: string, text: string): Promise<string> {
  const keys = await keysOf(room)
  if (keys.some((key) => textMember(key, 'id') === text)) return text
  const named = keys.filter((key) => textMember(key, 'name') === text && textMember(key, 'revoked_at') === undefined)
  const [only, ...more] = named.map((key) => textMember(key, 'id') ?? '')
  if (only !== undefined && more.length === 0) return only
  if (only === undefined) {
    throw new AegisError('not_found', `the room has no key ${JSON.stringify(text.slice(0, 80))} in force`, {
      advice: '`aegisctl rooms key list` shows its keys',
    })
  }
  throw new AegisError('conflict', `${named.length} keys have this name`, {
    advice: `name one by its id: ${[only, ...more].join(', ')}`,
  })
}
