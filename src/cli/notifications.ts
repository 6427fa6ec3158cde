import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import { adminEndpoint, ask } from './client.ts'
import { processContext } from './context.ts'
import { type Column, jsonText, list } from './output.ts'

const ENDPOINTS: readonly Column<JsonObject>[] = [
  { title: 'ENDPOINT', value: text('name') },
  { title: 'KIND', value: text('kind') },
  { title: 'PLACE', value: text('place') },
  { title: 'EVENTS', value: (row) => (Array.isArray(row['events']) ? row['events'].join(', ') : '') },
  { title: 'WAITING', value: (row) => String(row['waiting'] ?? '') },
  { title: 'LAG', value: (row) => `${String(row['lag_seconds'] ?? '?')} s` },
  { title: 'DEAD', value: (row) => String(row['dead'] ?? '') },
  { title: 'LAST ERROR', value: lastError },
]

const DEAD: readonly Column<JsonObject>[] = [
  { title: 'DEAD LETTER', value: text('id') },
  { title: 'EVENT', value: text('event') },
  { title: 'ATTEMPTS', value: (row) => String(row['attempts'] ?? '') },
  { title: 'GIVEN UP', value: text('failed_at') },
  { title: 'ERROR', value: text('error') },
]

/** The places, and what was given up. */
export async function listNotifications(options: { json?: boolean }): Promise<void> {
  const context = processContext()
  const answer = await ask(adminEndpoint(context), 'GET', '/admin/v1/notifications')
  if (options.json === true) {
    context.out(jsonText(answer))
    return
  }
  const [endpoints, dead] = [rows(answer, 'endpoints'), rows(answer, 'dead')]
  context.out(
    endpoints.length === 0
      ? 'nobody is told anything: `notifications:` in aegis.yaml names no place\n'
      : list(endpoints, ENDPOINTS, 'table'),
  )
  if (dead.length > 0) context.out(`\n${list(dead, DEAD, 'table')}`)
}

export async function retryNotification(id: string, options: { json?: boolean }): Promise<void> {
  const context = processContext()
  const path = `/admin/v1/notifications/${encodeURIComponent(id)}/retry`
  const answer = await ask(adminEndpoint(context), 'POST', path)
  context.out(options.json === true ? jsonText(answer) : `tried again: ${id}\n`)
}

function rows(answer: Json, key: string): readonly JsonObject[] {
  const found = isObject(answer) ? answer[key] : undefined
  return Array.isArray(found) ? found.filter((row: Json) => isObject(row)) : []
}

function text(key: string): (row: JsonObject) => string {
  return (row) => textMember(row, key) ?? ''
}

function lastError(row: JsonObject): string {
  const error = row['last_error']
  return error !== undefined && isObject(error) ? `${text('error')(error)} (${text('at')(error)})` : ''
}
