import { asAegisError } from '../core/errors.ts'
import { parseStrict } from '../core/strict-json.ts'
import { answerFor, deny, type HookAnswer, readToolUse, toAction } from '../entrances/hook/claude-code.ts'
import { agentEndpoint, refusal, send } from './client.ts'
import { type Context, processContext } from './context.ts'
import { ensureServer } from './server-process.ts'

/** Our own deadline: below every host's, since a host that times out lets the call run. */
const DEADLINE_MS = 5_000
const INPUT_MAX = 8 << 20

/** Fails closed: whatever goes wrong ends in exit status 2, which blocks the call. */
export async function hook(agent: string): Promise<void> {
  const answer = await Promise.race([judge(agent, processContext()), outOfTime()]).catch(failure)
  process.stdout.write(answer.stdout)
  process.stderr.write(answer.stderr)
  process.exitCode = answer.exit
  // The deadline's timer or a half-open socket must not hold up the agent.
  process.stdout.write('', () => process.stderr.write('', () => process.exit(answer.exit)))
}

async function judge(agent: string, context: Context): Promise<HookAnswer> {
  if (agent !== 'claude-code') return deny(`Aegis: no hook is known for \`${agent.slice(0, 40)}\`; known: claude-code`)
  const event = parseStrict(await readInput(), { maxBytes: INPUT_MAX })
  const action = toAction(readToolUse(event))
  await ensureServer(context, DEADLINE_MS)
  const reply = await send(agentEndpoint(context), 'POST', '/admin/v1/actions', action, DEADLINE_MS)
  // Refusals by decision carry `decision`; anything else is an error of ours or of the request.
  if (reply.status >= 300) throw refusal(reply)
  return answerFor(reply.body)
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > INPUT_MAX) throw new Error('the hook input is larger than 8 MiB')
    chunks.push(bytes)
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
}

function outOfTime(): Promise<HookAnswer> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(deny('Aegis: no decision within 5 s; the call is blocked. Try again.')), DEADLINE_MS)
  })
}

function failure(error: unknown): HookAnswer {
  const { message, advice } = asAegisError(error)
  return deny(`Aegis could not judge this call, so it is blocked: ${message}${advice === null ? '' : `. ${advice}`}`)
}
