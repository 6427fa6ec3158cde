import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import { adminEndpoint, ask } from './client.ts'
import { processContext } from './context.ts'
import { jsonText, visible } from './output.ts'
import { rowsOf } from './rows.ts'

/** Exit 0 where the server answers with our key, 3 where it does not (the error says which). */
export async function status(options: { json?: boolean }): Promise<void> {
  const context = processContext()
  const endpoint = adminEndpoint(context)
  const [me, policies, pending, stats, withheld] = await Promise.all([
    ask(endpoint, 'GET', '/admin/v1/whoami'),
    ask(endpoint, 'GET', '/admin/v1/policies'),
    ask(endpoint, 'GET', '/admin/v1/approvals'),
    ask(endpoint, 'GET', '/admin/v1/stats'),
    ask(endpoint, 'GET', '/admin/v1/pins?status=waiting'),
  ])
  const found: JsonObject = {
    server: endpoint.socket ?? endpoint.url,
    key: isObject(me) ? (me['name'] ?? null) : null,
    role: isObject(me) ? (me['role'] ?? null) : null,
    policies: rowsOf(policies).map((policy) => textMember(policy, 'name') ?? ''),
    pending: rowsOf(pending).length,
    entries: member(stats, 'entries'),
    sessions: member(stats, 'sessions'),
    withheld: rowsOf(withheld).length,
  }
  if (options.json) return context.out(jsonText(found))
  for (const [name, value] of Object.entries(found)) {
    context.out(`${name.padEnd(10)}${visible(Array.isArray(value) ? value.join(', ') : String(value))}\n`)
  }
}

function member(answer: Json, name: string): Json {
  return isObject(answer) ? (answer[name] ?? null) : null
}
