import { reviewerNamed } from '../../admin/slack/reviewers.ts'
import { ROLES, type Role } from '../../core/envelope.ts'
import { isObject, type Json, type JsonObject, textMember } from '../../core/json.ts'
import { type Endpoint, refusal, send } from '../client.ts'
import { rowsOf } from '../rows.ts'
import { attempt, type Check, ok, warn } from './check.ts'

/** Whether people are told what they were to be told, and whether those that Slack names are anybody here. For administrators. */
export async function notificationChecks(
  endpoint: Endpoint,
  reviewers: Readonly<Record<string, string>>,
): Promise<readonly Check[]> {
  const checks = [await attempt('notifications', () => delivered(endpoint))]
  if (Object.keys(reviewers).length > 0) checks.push(await attempt('slack', () => known(endpoint, reviewers)))
  return checks
}

async function delivered(endpoint: Endpoint): Promise<Check> {
  const endpoints = objects((await answered(endpoint, '/admin/v1/notifications'))['endpoints'])
  const late = endpoints.filter(
    (one) => one['dead'] !== 0 || (isObject(one['last_error'] ?? null) && one['waiting'] !== 0),
  )
  if (late.length === 0) {
    const places = endpoints.length === 1 ? '1 place' : `${endpoints.length} places`
    return ok('notifications', `${places}, nothing is stuck`)
  }
  const lines = late.map((one) => {
    const error = one['last_error']
    const why = error !== undefined && isObject(error) ? `: ${textMember(error, 'error')}` : ''
    return `${textMember(one, 'name')}: ${String(one['waiting'])} waiting, ${String(one['dead'])} given up${why}`
  })
  const advice = 'See `aegisctl notifications`; once the place answers again, `aegisctl notifications retry <id>`.'
  return warn('notifications', lines.join('\n'), advice)
}

/** Of a name that nobody has, whoever presses a button in Slack is refused. */
async function known(endpoint: Endpoint, reviewers: Readonly<Record<string, string>>): Promise<Check> {
  const body = await answered(endpoint, '/admin/v1/keys')
  const keys = rowsOf(body)
    .filter((key) => textMember(key, 'state') === 'active')
    .map(keyOf)
  const lines = Object.entries(reviewers).flatMap(([user, named]) => {
    const found = reviewerNamed(named, keys)
    if (found === 'nobody') return [`${user} is \`${named}\`, who has no key here that may settle approvals`]
    return found === 'several' ? [`${user} is \`${named}\`, which several people are called`] : []
  })
  if (lines.length === 0) return ok('slack', 'all reviewers named have a key here')
  return warn(
    'slack',
    lines.join('\n'),
    'Make a key with `aegisctl keys create --role reviewer --owner <name>`, or let them log in once.',
  )
}

/** @throws AegisError where the server refused: what could not be asked is no good news. */
async function answered(endpoint: Endpoint, path: string): Promise<JsonObject> {
  const answer = await send(endpoint, 'GET', path)
  if (answer.status !== 200 || !isObject(answer.body)) throw refusal(answer)
  return answer.body
}

function keyOf(row: JsonObject) {
  const text = (name: string) => textMember(row, name) ?? ''
  return { id: text('id'), name: text('name'), owner: text('owner'), prefix: text('prefix'), role: roleOf(row) }
}

/** A role that is not known here settles nothing. */
function roleOf(row: JsonObject): Role {
  return ROLES.find((role) => role === textMember(row, 'role')) ?? 'agent'
}

function objects(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter((row: Json) => isObject(row)) : []
}
