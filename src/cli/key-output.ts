import { AegisError } from '../core/errors.ts'
import { type JsonObject, textMember } from '../core/json.ts'
import type { Context } from './context.ts'
import { visible } from './output.ts'

/** The secret alone on stdout: it can be piped to where it belongs, and stands in no other line. */
export function tellSecret(context: Context, answer: JsonObject, what: string): void {
  const isAgents = answer['room'] !== null || textMember(answer, 'role') === 'agent'
  context.err(
    `key ${visible(what)}; its secret is shown this once. ` +
      'Send it as `Authorization: Bearer KEY` or `X-Agent-Key: KEY`' +
      `${isAgents ? '' : ', or log in with it at the admin address'}.\n`,
  )
  context.out(`${textMember(answer, 'secret') ?? ''}\n`)
}

/** The id of a key: `text` itself, or that of the one key in force with this name. @throws AegisError `not_found`, `conflict` */
export function keyIdOf(keys: readonly JsonObject[], text: string, listing: string): string {
  if (keys.some((key) => textMember(key, 'id') === text)) return text
  const named = keys.filter((key) => textMember(key, 'name') === text && textMember(key, 'state') === 'active')
  const [only, ...more] = named.map((key) => textMember(key, 'id') ?? '')
  if (only !== undefined && more.length === 0) return only
  if (only === undefined) {
    throw new AegisError('not_found', `there is no key ${JSON.stringify(text.slice(0, 80))} in force`, {
      advice: `\`${listing}\` shows them`,
    })
  }
  throw new AegisError('conflict', `${named.length} keys have this name`, {
    advice: `name one by its id: ${[only, ...more].join(', ')}`,
  })
}

/** When a key ends or ended, or that it was revoked. */
export function endOf(key: JsonObject): string {
  const revoked = textMember(key, 'revoked_at')
  if (revoked !== undefined) return `revoked ${revoked}`
  const expires = textMember(key, 'expires_at')
  if (expires === undefined) return 'never'
  return textMember(key, 'state') === 'expired' ? `expired ${expires}` : expires
}
