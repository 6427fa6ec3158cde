import type { Approval, Reviewer } from '../../core/approval.ts'
import { isLogin, outwardName } from '../../core/reviewer-name.ts'
import { plainLine } from '../summary.ts'

/** What one approval is to the pull request, as a check says it. */
export interface Verdict {
  readonly title: string
  /** GitHub's; null while it waits. */
  readonly conclusion: 'success' | 'failure' | 'cancelled' | null
}

/** Text of others as code: nothing in it is a mention, a link or markup. A code span has no escapes, so that backticks go. */
function code(text: string): string {
  return `\`${plainLine(text, 80).replaceAll('`', "'")}\``
}

/** Pull requests may be read by everybody: the name of a key, and of a login no address. */
function publicName(reviewer: Reviewer): string {
  return isLogin(reviewer.principal) ? outwardName(reviewer) : reviewer.name
}

export function verdictOf({ status, resolution }: Approval): Verdict {
  const by = resolution === null ? '' : ` by ${plainLine(publicName(resolution.reviewer), 80)}`
  switch (status) {
    case 'pending':
      return { title: 'waits for a reviewer', conclusion: null }
    case 'approved':
    case 'redeemed':
      return { title: `approved${by}`, conclusion: 'success' }
    case 'denied':
      return { title: `denied${by}`, conclusion: 'failure' }
    case 'expired':
      return { title: 'expired', conclusion: 'cancelled' }
    default:
      return status satisfies never
  }
}

/** `- ... asked for ...: waits for a reviewer until ...`. No committed value, no comment of a reviewer. */
export function approvalLine(approval: Approval): string {
  const { agent, tool, status, expiresAt, resolution } = approval
  const asked = `- ${code(agent)} asks for ${code(tool)}`
  if (status === 'pending') return `${asked}: **waits for a reviewer**, until ${minute(expiresAt)} (\`${approval.id}\`)`
  const by = resolution === null ? '' : ` by ${code(publicName(resolution.reviewer))}`
  const word = status === 'redeemed' ? 'approved' : status
  return `${asked}: **${word}**${by} (\`${approval.id}\`)`
}

/** A pull request that stands for a write nobody may do directly. */
export function rewriteLine(agent: string, tool: string): string {
  return `- ${code(agent)} asked for ${code(tool)}; policy had it become this pull request`
}

export function commentBody(marker: string, lines: readonly string[]): string {
  return `${marker}\n**Aegis** governs what agents do here.\n\n${lines.join('\n')}\n`
}

function minute(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
