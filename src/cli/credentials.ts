import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import { adminEndpoint, ask } from './client.ts'
import { processContext } from './context.ts'
import { type Column, jsonText, list } from './output.ts'

const SHORT_HASH = 12

const CREDENTIALS: readonly Column<JsonObject>[] = [
  { title: 'CREDENTIAL', value: text('name') },
  { title: 'TYPE', value: text('type') },
  { title: 'APP', value: text('app_id') },
  { title: 'INSTALLATIONS', value: installations },
  { title: 'API', value: text('api_url') },
]

const TOKENS: readonly Column<JsonObject>[] = [
  { title: 'TOKEN', value: (row) => text('token_sha256')(row).slice(0, SHORT_HASH) },
  { title: 'STATE', value: text('state') },
  { title: 'SCOPE', value: text('scope') },
  { title: 'ENVELOPE', value: text('envelope_id') },
  { title: 'ISSUED', value: text('issued') },
  { title: 'DEADLINE', value: text('deadline') },
  { title: 'ATTEMPTS', value: (row) => String(row['attempts'] ?? '') },
  { title: 'NEXT ATTEMPT', value: text('next_attempt') },
]

/** What is configured, and the tokens that GitHub may still take. */
export async function listCredentials(options: { json?: boolean }): Promise<void> {
  const context = processContext()
  const answer = await ask(adminEndpoint(context), 'GET', '/admin/v1/credentials')
  if (options.json === true) {
    context.out(jsonText(answer))
    return
  }
  const [credentials, tokens] = [rows(answer, 'credentials'), rows(answer, 'tokens')]
  context.out(credentials.length === 0 ? 'no credential is configured\n' : list(credentials, CREDENTIALS, 'table'))
  context.out(tokens.length === 0 ? '\nno token is out\n' : `\n${list(tokens, TOKENS, 'table')}`)
}

/** Ends one token. Exit 1 where GitHub did not confirm it: it stays in the queue. */
export async function revokeToken(prefix: string, options: { json?: boolean }): Promise<void> {
  const context = processContext()
  const answer = await ask(adminEndpoint(context), 'POST', '/admin/v1/credentials/revoke', { token: prefix })
  const revoked = isObject(answer) && answer['revoked'] === true
  const hash = isObject(answer) ? text('token_sha256')(answer).slice(0, SHORT_HASH) : prefix
  if (options.json === true) context.out(jsonText(answer))
  else if (revoked) context.out(`revoked: ${hash}\n`)
  else context.out(`not revoked yet: ${hash}; it is tried again until GitHub confirms it\n`)
  if (!revoked) process.exitCode = 1
}

function rows(answer: Json, key: string): readonly JsonObject[] {
  const found = isObject(answer) ? answer[key] : undefined
  return Array.isArray(found) ? found.filter((row: Json) => isObject(row)) : []
}

function text(key: string): (row: JsonObject) => string {
  return (row) => textMember(row, key) ?? ''
}

/** `acme 11, other 12`; the members of a list of Apps; where a fixed token comes from. */
function installations(row: JsonObject): string {
  const { installation_id: one, installations: several, of: names } = row
  if (typeof one === 'number') return String(one)
  if (Array.isArray(names)) return `first of ${names.join(', ')}`
  if (isObject(several)) {
    return Object.entries(several)
      .map(([owner, id]) => `${owner} ${String(id)}`)
      .join(', ')
  }
  return text('type')(row) === 'github_app' ? 'looked up' : text('from')(row)
}
