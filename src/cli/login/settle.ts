import { AegisError } from '../../core/errors.ts'
import { isObject, type Json, textMember } from '../../core/json.ts'
import { ask, type Endpoint } from '../client.ts'
import { jsonText, visible } from '../output.ts'
import { openTerminal, type Terminal } from './terminal.ts'

interface Settling {
  readonly verb: 'approve' | 'deny'
  readonly id: string
  readonly comment: string
  send(to: Endpoint): Promise<Json>
}

/** More lines than anybody reads before a question. */
const SHOWN_LINES = 200

/**
 * Settles with the key behind a passphrase. What would run is shown on the terminal and asked about before it is approved:
 * an agent that has the same terminal could have typed the command, with another approval than the one its person expects.
 */
export async function settleUnlocked(
  unlock: NonNullable<Endpoint['unlock']>,
  { verb, id, comment, send }: Settling,
): Promise<Json> {
  const endpoint = await unlock(`${verb} ${id}, with the comment ${JSON.stringify(comment)}`)
  if (verb === 'deny') return send(endpoint)
  const approval = await ask(endpoint, 'GET', `/admin/v1/approvals/${id}`)
  demandPending(id, approval)
  const terminal = openTerminal()
  try {
    show(terminal, approval)
    if (await terminal.confirm('Approve exactly this? [y/N] ')) return await send(endpoint)
  } finally {
    terminal.close()
  }
  throw new AegisError('invalid_request', 'not approved; it goes on waiting', {
    advice: `\`aegisctl deny ${id} --comment WHY\` refuses it.`,
  })
}

/** Nobody is asked about what is settled: the answer would change nothing. */
function demandPending(id: string, approval: Json): void {
  if (!isObject(approval)) return
  const [status, reviewer] = [textMember(approval, 'status') ?? 'pending', textMember(approval, 'reviewer')]
  if (status === 'pending') return
  const by = reviewer === undefined ? '' : `, by ${reviewer}`
  throw new AegisError('conflict', `approval ${id} is already ${status}${by}; nothing was sent`, {
    advice: `\`aegisctl why ${id}\` tells all of it.`,
  })
}

function show(terminal: Terminal, approval: Json): void {
  if (!isObject(approval)) return
  for (const name of ['tool', 'target', 'head_sha', 'blast_radius', 'justification']) {
    const value = textMember(approval, name)
    if (value !== undefined && value !== '') terminal.tell(`${name.padEnd(14)}${visible(value)}\n`)
  }
  const { actor, parameters, rewritten_to: rewritten } = approval
  if (isObject(actor)) terminal.tell(`${'asked by'.padEnd(14)}${visible(Object.values(actor).join(', '))}\n`)
  for (const [name, value] of Object.entries({ 'runs instead': rewritten, arguments: parameters })) {
    if (value !== undefined && value !== null) terminal.tell(`${name}:\n${bounded(jsonText(value))}`)
  }
}

function bounded(text: string): string {
  const lines = text.split('\n')
  if (lines.length <= SHOWN_LINES) return text
  return `${lines.slice(0, SHOWN_LINES).join('\n')}\n… ${lines.length - SHOWN_LINES} lines more: aegisctl pending ID shows all\n`
}
