import { isObject, type Json, type JsonObject, textMember } from '../../core/json.ts'
import { reviewerName } from '../../core/reviewer-name.ts'
import type { OpenedEntry } from '../../oversight/contents.ts'
import type { Phrase } from '../../oversight/phrase.ts'
import { summaryOf } from '../../oversight/summary.ts'

/** An entry as lists and timelines show it. All of its texts were supplied by others. */
export interface SeenEntry {
  readonly n: number
  readonly hash: string
  readonly kind: string
  readonly env: string
  readonly session: string
  readonly ts: string
  readonly seq: number
  readonly tool: string
  readonly agent: string
  readonly principal: string
  readonly rule: string
  readonly policy: string
  readonly blast: { readonly level: string; readonly score: number } | null
  readonly reviewer: { readonly name: string; readonly principal: string; readonly channel: string } | null
  readonly outcome: { readonly label: string | null; readonly status: string } | null
  readonly findings: readonly { readonly name: string; readonly verdict: string }[]
  readonly summary: Phrase
  readonly comment: string | null
  readonly justification: string | null
}

export function seen(entry: OpenedEntry): SeenEntry {
  const { n, hash, kind, env, session, ts, body, values } = entry
  const tool = inside(body, 'action', 'tool')
  const rest = { comment: textOf(values.comment), justification: textOf(values.justification) }
  return {
    ...{ n, hash, kind, env, session, ts, tool, ...rest },
    seq: numberOf(body['seq']),
    agent: inside(body, 'actor', 'agent'),
    principal: inside(body, 'actor', 'subject'),
    rule: inside(body, 'decision', 'rule'),
    policy: inside(body, 'decision', 'policy'),
    blast: blastOf(body['blast']),
    reviewer: reviewerOf(body['reviewer']),
    outcome: outcomeOf(body['outcome']),
    findings: findingsOf(body['findings']),
    summary: summaryOf({ tool, target: targetOf(values), parameters: isObject(values.params) ? values.params : null }),
  }
}

/** Over MCP the target is what the arguments name; elsewhere it is committed beside them. */
function targetOf({ target, params }: OpenedEntry['values']): string {
  if (typeof target === 'string') return target
  if (!isObject(params)) return ''
  const [owner, repo] = [textMember(params, 'owner'), textMember(params, 'repo')]
  if (owner !== undefined && repo !== undefined) return `${owner}/${repo}`
  return textMember(params, 'path') ?? textMember(params, 'url') ?? textMember(params, 'uri') ?? ''
}

function inside(body: JsonObject, outer: string, member: string): string {
  const value = body[outer]
  return (isObject(value) ? textMember(value, member) : undefined) ?? ''
}

function blastOf(value: Json | undefined): SeenEntry['blast'] {
  if (!isObject(value)) return null
  return { level: textMember(value, 'level') ?? '', score: numberOf(value['score']) }
}

function reviewerOf(value: Json | undefined): SeenEntry['reviewer'] {
  if (!isObject(value)) return null
  const [principal, name] = [textMember(value, 'principal') ?? '', textMember(value, 'name') ?? '']
  const shown = reviewerName({ principal, name, claimed: textMember(value, 'claimed') ?? null })
  return { name: shown, principal, channel: textMember(value, 'channel') ?? '' }
}

function outcomeOf(value: Json | undefined): SeenEntry['outcome'] {
  if (!isObject(value)) return null
  return { label: textMember(value, 'label') ?? null, status: textMember(value, 'status') ?? '' }
}

function findingsOf(value: Json | undefined): SeenEntry['findings'] {
  if (!Array.isArray(value)) return []
  return value.flatMap((one: Json) =>
    isObject(one) ? [{ name: textMember(one, 'name') ?? '', verdict: textMember(one, 'verdict') ?? '' }] : [],
  )
}

function numberOf(value: Json | undefined): number {
  return typeof value === 'number' ? value : 0
}

function textOf(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null
}
