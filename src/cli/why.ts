import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import { credentialOf, isLogin } from '../core/reviewer-name.ts'
import { adminEndpoint, ask } from './client.ts'
import { processContext } from './context.ts'
import { jsonText, visible } from './output.ts'

/** Why an action came out as it did, in words; `--json` is the server's answer. */
export async function why(id: string, options: { json?: boolean }): Promise<void> {
  const context = processContext()
  const answer = await ask(adminEndpoint(context), 'GET', `/admin/v1/actions/${encodeURIComponent(id)}/why`)
  if (options.json || !isObject(answer)) return context.out(jsonText(answer))
  const decisions = rowsIn(answer, 'decisions')
  const lines = rowsIn(answer, 'entries').flatMap((entry) => [
    ...entryLines(entry),
    ...decisionLines(decisions.find((decision) => decision['n'] === entry['n'])),
  ])
  const approval = answer['approval']
  if (isObject(approval)) lines.push(...approvalLines(approval))
  context.out(`${[...lines].map(visible).join('\n')}\n`)
}

function rowsIn(row: JsonObject, member: string): readonly JsonObject[] {
  const rows: Json | undefined = row[member]
  return Array.isArray(rows) ? rows.filter(isObject) : []
}

function inside(row: JsonObject, outer: string): JsonObject {
  const value = row[outer]
  return isObject(value) ? value : {}
}

const WORDS: Readonly<Record<string, string>> = {
  allow: 'allowed',
  rewrite: 'rewritten, and allowed as that',
  review: 'held for a person',
  block: 'blocked',
  approve: 'approved',
  deny: 'denied',
  expire: 'the time to approve or use it was over',
  result: 'done',
  orphan: 'the gateway stopped before its result was known',
  override: 'overridden',
}

function entryLines(entry: JsonObject): readonly string[] {
  const kind = textMember(entry, 'kind') ?? ''
  const { rule, policy } = inside(entry, 'decision')
  const by = typeof rule === 'string' ? `, by ${rule} of ${String(policy)}` : ''
  const comment = textMember(entry, 'comment')
  return [
    `${textMember(entry, 'ts') ?? ''}  ${WORDS[kind] ?? kind}: ${textMember(inside(entry, 'action'), 'tool') ?? ''}${by}`,
    ...reviewerLines(inside(entry, 'reviewer')),
    ...(comment === undefined ? [] : [`  comment: ${comment}`]),
    ...rowsIn(entry, 'findings').map((one) => `  ${String(one['name'])}: ${String(one['verdict'])}`),
    ...outcomeLines(inside(entry, 'outcome')),
  ]
}

function reviewerLines(reviewer: JsonObject): readonly string[] {
  const name = textMember(reviewer, 'name')
  if (name === undefined) return []
  const principal = textMember(reviewer, 'principal') ?? ''
  const claimed = textMember(reviewer, 'claimed')
  const as = claimed === undefined ? '' : `, as ${claimed}`
  const who = isLogin(principal) ? credentialOf({ principal, name }) : name
  return [`  by ${who} (${principal}${as}) over ${textMember(reviewer, 'channel') ?? ''}`]
}

function outcomeLines(outcome: JsonObject): readonly string[] {
  const status = textMember(outcome, 'status')
  if (status === undefined) return []
  const { credential } = outcome
  const label = textMember(outcome, 'label')
  return [
    `  outcome: ${status}${label === undefined ? '' : ` (${label})`}`,
    ...(isObject(credential)
      ? [
          `  credential: ${String(credential['type'])} for ${String(credential['scope'])}, until ${String(credential['expires'])}`,
        ]
      : []),
  ]
}

function decisionLines(decision: JsonObject | undefined): readonly string[] {
  if (decision === undefined) return []
  const version = decision['policy_version']
  const rule = inside(decision, 'rule')
  const text = textMember(rule, 'text')
  return [
    typeof version === 'number' ? `  policy version ${version}` : '  which version of the policy that was is not known',
    ...(text === undefined
      ? []
      : [`  ${String(rule['file'])}:${String(rule['line'])}`, ...text.split('\n').map((line) => `    ${line}`)]),
    ...recomputedLines(inside(decision, 'recomputed')),
  ]
}

function recomputedLines(recomputed: JsonObject): readonly string[] {
  if (recomputed['possible'] !== true) return [`  cannot be judged again: ${textMember(recomputed, 'because') ?? ''}`]
  const facts = recomputed['unknown_facts']
  const unknown = Array.isArray(facts) && facts.length > 0 ? `, not knowing ${facts.join(', ')}` : ''
  const tried = rowsIn(recomputed, 'trace').filter(({ fail_reason: why }) => !/^(?:tool|protocol): /.test(String(why)))
  return [
    `  judged again now${unknown}: ${String(recomputed['decision'])}: ${String(recomputed['reason'])}`,
    ...tried.map(({ policy, rule_index: index, rule, matched, decision, fail_reason: why }) => {
      const outcome = matched === true ? String(decision) : `no match: ${String(why)}`
      return `    ${String(policy)} rule ${Number(index) + 1}  ${String(rule)}  ${outcome}`
    }),
  ]
}

function approvalLines(approval: JsonObject): readonly string[] {
  const findings = rowsIn(approval, 'findings').filter(({ reason }) => typeof reason === 'string')
  return [
    `approval ${textMember(approval, 'envelope_id') ?? ''}: ${textMember(approval, 'status') ?? ''}`,
    ...findings.map(({ name, verdict, reason }) => `  ${String(name)}: ${String(verdict)}: ${String(reason)}`),
  ]
}
