import { isObject, type Json, type JsonObject, textMember } from '../../core/json.ts'
import { adminEndpoint, agentEndpoint, ask } from '../client.ts'
import type { Context } from '../context.ts'
import { FORGE_REPOSITORY } from '../setup/github.ts'
import { attempt, type Check, fail, ok } from './check.ts'

type Verdict = 'allow' | 'block' | 'review'

/** The three acts, and what each pack that ships says to them. A policy of the user's own is shown, not judged. */
const EXPECTED: Readonly<Record<string, readonly [Verdict, Verdict, Verdict]>> = {
  'pr-writer': ['allow', 'block', 'review'],
  'docs-writer': ['allow', 'block', 'review'],
  'infra-review': ['allow', 'block', 'review'],
  readonly: ['allow', 'block', 'block'],
  'sql-explorer': ['allow', 'block', 'block'],
  'github-guarded': ['allow', 'review', 'block'],
}

/** Sends three real actions through the real API; they decide and are recorded, nothing runs. */
export async function prove(context: Context): Promise<readonly Check[]> {
  const agent = agentEndpoint(context)
  const admin = adminEndpoint(context)
  const stamp = new Date().toISOString().replace(/[:.]/g, '-')
  const act = (action: JsonObject) =>
    ask(agent, 'POST', '/admin/v1/actions', { ...action, session: `install-check-${stamp}`, agent: 'aegis-doctor' })
  const checks: Check[] = []
  for (const [index, action] of actions(stamp).entries()) {
    const name = String(action['tool'])
    checks.push(
      await attempt(name, async () => {
        const reply = await act(action)
        await withdraw(reply)
        return judged(name, reply, index)
      }),
    )
  }
  return checks

  /** A review leaves something in the queue that nobody asked for: it is taken out again. */
  async function withdraw(reply: Json): Promise<void> {
    if (!isObject(reply) || reply['decision'] !== 'review') return
    const id = encodeURIComponent(textMember(reply, 'envelope_id') ?? '')
    await ask(admin, 'POST', `/admin/v1/approvals/${id}/deny`, { comment: 'a check by aegis doctor, not a request' })
  }
}

/** `stamp` makes them what no agent asks for: a denial is remembered, and must not be of a real one. */
function actions(stamp: string): readonly JsonObject[] {
  const target = FORGE_REPOSITORY
  const parameters = { title: 'check by aegis doctor', head: `aegis-doctor/${stamp}`, base: 'main' }
  return [
    {
      protocol: 'git',
      tool: 'github.get_file_contents',
      target,
      capability: 'read',
      parameters: { path: 'README.md' },
    },
    { protocol: 'shell', tool: 'shell.rm', target: `/workspace/aegis-doctor-${stamp}`, capability: 'delete' },
    { protocol: 'git', tool: 'github.create_pull_request', target, capability: 'write', parameters },
  ]
}

function judged(name: string, reply: Json, index: number): Check {
  const decision = (isObject(reply) && textMember(reply, 'decision')) || 'no decision'
  const policy = (isObject(reply) && textMember(reply, 'policy')) || ''
  const hash = (isObject(reply) && textMember(reply, 'evidence_hash')) || ''
  const detail = `${decision} by ${policy}, evidence ${hash.slice(0, 12)}…`
  const expected = EXPECTED[policy]?.[index]
  if (hash === '') return fail(name, detail, 'The server recorded no evidence: look at its log.')
  if (expected === undefined || expected === decision) return ok(name, detail)
  return fail(
    name,
    `${detail}; expected ${expected}`,
    `Has the pack \`${policy}\` been changed? Try \`aegisctl policy lint\`.`,
  )
}
