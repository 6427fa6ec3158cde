import { AegisError } from '../../core/errors.ts'
import { isObject, type Json, type JsonObject, textMember } from '../../core/json.ts'
import { freshLabel } from '../../gateway/sessions.ts'
import { adminEndpoint, agentEndpoint, ask, type Endpoint } from '../client.ts'
import { visible } from '../output.ts'
import { rowsOf } from '../rows.ts'
import { FORGE_REPOSITORY } from '../setup/github.ts'
import { readThroughBridge } from './bridge-client.ts'
import type { Stage } from './stage.ts'

const COMMENT = 'diff looks correct, scoped to the test file'

const READ = {
  protocol: 'git',
  tool: 'github.get_file_contents',
  target: FORGE_REPOSITORY,
  capability: 'read',
  parameters: { path: 'README.md' },
}
const PYTEST = { protocol: 'shell', tool: 'shell.pytest', target: '/workspace', capability: 'execute' }
const RM = { protocol: 'shell', tool: 'shell.rm', target: '/workspace', capability: 'delete' }
const PULL_REQUEST = {
  protocol: 'git',
  tool: 'github.create_pull_request',
  target: FORGE_REPOSITORY,
  capability: 'write',
  parameters: {
    title: 'fix: stabilize flaky TestEvidenceChain_Concurrent',
    head: 'claude/fix-flaky-evidence-test',
    base: 'main',
  },
  justification: 'fixes intermittent failure in TestEvidenceChain_Concurrent caused by unsynchronized map access',
}

type Print = (text: string) => void

/**
 * The agent works, a person decides, the pull request lands. @returns the session's label.
 * @throws AegisError where any step comes out otherwise than told: a demo that lies is worse than none.
 */
export async function tellStory(stage: Stage, print: Print): Promise<string> {
  const { config, context } = stage
  const agent = agentEndpoint(context)
  const admin = adminEndpoint(context)
  const session = freshLabel(Date.now())
  const act = (action: JsonObject, label = session) => actAs(agent, action, label)
  opening(stage, print)

  print('1  The agent reads the code, through the MCP bridge and by the API')
  const mcp = `http://127.0.0.1:${config.listen.port}/mcp/github`
  const file = await readThroughBridge(mcp, agent.key, FORGE_REPOSITORY, 'README.md')
  print(`   MCP ${mcp}: ${file.tools} tools; README.md begins "${visible(file.text.split('\n')[0] ?? '')}"`)
  show(print, expecting('allow', await act(READ)))

  print('\n2  It runs the tests: pytest, not a shell')
  show(print, expecting('allow', await act(PYTEST)))

  print('\n3  It tries rm -rf /workspace')
  show(print, expecting('block', await act(RM)))

  print('\n4  It opens a pull request: that waits for a person')
  const parked = expecting('review', await act(PULL_REQUEST))
  show(print, parked)
  const id = textMember(parked, 'envelope_id') ?? ''
  await queue(admin, id, print)

  print('\n5  alice approves')
  print(`   $ aegisctl approve ${id} --reviewer alice --comment "${COMMENT}"`)
  const resolution = await ask(admin, 'POST', `/admin/v1/approvals/${id}/approve`, {
    comment: COMMENT,
    reviewer: 'alice',
  })
  show(print, objectOf(resolution), ['status', 'reviewer', 'approved_at', 'comment', 'evidence_hash'])

  print('\n6  The same call again: now it runs, once, with a token lent for this call alone')
  const landed = expecting('allow', await act({ ...PULL_REQUEST, approval_ref: id }))
  show(print, landed, ['decision', 'matched_rule', 'credential', 'result', 'evidence_hash'])
  const result = objectOf(landed['result'] ?? null)
  if (result['pr_number'] === undefined) throw wrong('a pull request', landed)
  // In another session, so that the one told here stays as it was.
  const again = expecting('review', await act(PULL_REQUEST, `${session}-again`))
  print(`   A third time: ${textMember(again, 'decision')}. The approval is spent.`)
  return session
}

function opening({ config }: Stage, print: Print): void {
  print('Aegis demo: an agent fixes a flaky test in aegisflow/aegisflow; policy pr-writer.')
  print(
    `Real: the server (port ${config.listen.port}), policy, ledger, MCP client, MCP server for GitHub, git repository, App token.`,
  )
  print('Local: GitHub itself. A forge on this machine answers in its place; no account, no network is used.\n')
}

async function actAs(agent: Endpoint, action: JsonObject, session: string): Promise<JsonObject> {
  return objectOf(await ask(agent, 'POST', '/admin/v1/test-action', { ...action, session, agent: 'claude-code' }))
}

async function queue(admin: Endpoint, id: string, print: Print): Promise<void> {
  print('   $ aegisctl pending')
  const rows = rowsOf(await ask(admin, 'GET', '/admin/v1/approvals'))
  const row = rows.find((candidate) => candidate['envelope_id'] === id)
  if (row === undefined) throw wrong('the action in the queue', rows)
  show(print, row, ['envelope_id', 'actor', 'tool', 'target', 'parameters', 'blast_radius'])
}

const SHOWN = ['decision', 'matched_rule', 'policy', 'error', 'evidence_hash']

/** The members that tell the story, one a line; the rest is for programs. */
function show(print: Print, value: JsonObject, members: readonly string[] = SHOWN): void {
  for (const member of members) {
    const found = value[member]
    if (found !== undefined)
      print(`   ${member.padEnd(14)} ${visible(typeof found === 'string' ? found : JSON.stringify(found))}`)
  }
}

function expecting(decision: string, reply: JsonObject): JsonObject {
  if (reply['decision'] === decision) return reply
  throw wrong(decision, reply)
}

function objectOf(value: Json): JsonObject {
  if (isObject(value)) return value
  throw wrong('an object', value)
}

function wrong(expected: string, found: Json): AegisError {
  return new AegisError(
    'cannot_decide',
    `the demo expected ${expected} and got ${JSON.stringify(found).slice(0, 2_000)}`,
  )
}
