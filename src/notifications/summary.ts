import { type JsonObject, textMember } from '../core/json.ts'
import { reviewerName } from '../core/reviewer-name.ts'
import { codePoint, showHidden } from '../core/visible-text.ts'
import { textAt } from './events.ts'
import type { Notice } from './ports.ts'

const LONGEST = 160

/** Text that an agent or a reviewer wrote, as one line in which nothing is hidden. */
export function plainLine(text: string, longest = LONGEST): string {
  const shown = showHidden(text, (character) => `<${codePoint(character)}>`)
  // Whole characters: half of one is no text.
  const characters = [...shown]
  return characters.length <= longest ? shown : `${characters.slice(0, longest).join('')}…`
}

/** What happened, in one sentence for people. Holds no committed value. */
export function summaryOf(notice: Notice): string {
  const { body, approval } = notice
  const tool = plainLine(textAt(body, 'action', 'tool') ?? 'an action')
  const agent = plainLine(textAt(body, 'actor', 'agent') ?? 'an agent')
  const reviewer = reviewerOf(body)
  switch (notice.event) {
    case 'approval':
      return `${agent} asks to run ${tool} (${ruleOf(body)}${blastOf(body)})`
    case 'approved':
      return `${reviewer} approved ${tool}`
    case 'denied':
      return body['kind'] === 'deny'
        ? `${reviewer} denied ${tool}`
        : `${tool} of ${agent} was blocked (${ruleOf(body)})`
    case 'expired':
      return withdrawn(body) ? `${agent} no longer asks for ${tool}` : `nobody settled ${tool} in time`
    case 'reminder':
      return `${agent} still waits for a reviewer of ${tool}${approval === null ? '' : `, until ${until(approval.expiresAt)}`}`
    case 'rewrite':
      return `${tool} of ${agent} runs as a pull request (${ruleOf(body)})`
    case 'policy':
      return policyOf(body)
    case 'anomaly':
      return anomalyOf(body, tool)
    case 'result':
      return `${tool} of ${agent} has run: ${plainLine(textAt(body, 'outcome', 'label') ?? textAt(body, 'outcome', 'status') ?? 'done')}`
    default:
      return notice.event satisfies never
  }
}

/** The reviewer's name, and what they call themselves where that is another. */
export function reviewerOf(body: JsonObject): string {
  const [principal, name] = [textAt(body, 'reviewer', 'principal') ?? '', textAt(body, 'reviewer', 'name')]
  return plainLine(
    reviewerName({ principal, name: name ?? 'a reviewer', claimed: textAt(body, 'reviewer', 'claimed') }),
  )
}

/** The asker's own word ends a question as time does; the entry tells whose it was. */
export function withdrawn(body: JsonObject): boolean {
  return body['kind'] === 'expire' && textAt(body, 'actor', 'subject') !== 'system'
}

function ruleOf(body: JsonObject): string {
  return `rule ${plainLine(textAt(body, 'decision', 'rule') ?? '?')} of ${plainLine(textAt(body, 'decision', 'policy') ?? '?')}`
}

function blastOf(body: JsonObject): string {
  const level = textAt(body, 'blast', 'level')
  return level === null ? '' : `, blast radius ${plainLine(level)}`
}

function until(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

function policyOf(body: JsonObject): string {
  const { version, names } = body
  const which = Array.isArray(names) ? names.map((name) => plainLine(String(name))).join(', ') : 'a policy'
  const numbered = typeof version === 'number' ? `version ${version} of ` : ''
  const by = textMember(body, 'by')
  const cause = `${plainLine(textMember(body, 'cause') ?? 'load')}${by === undefined ? '' : ` by ${plainLine(by)}`}`
  return `${numbered}${which} is in force (${cause})`
}

function anomalyOf(body: JsonObject, tool: string): string {
  if (body['kind'] !== 'gap') return `what came of ${tool} is not known: the gateway ended in the middle of it`
  const { count } = body
  const times = `${plainLine(textMember(body, 'from') ?? '?')} and ${plainLine(textMember(body, 'to') ?? '?')}`
  return `${typeof count === 'number' ? count : 'some'} refusals between ${times} could not be recorded`
}
