import type { Approval } from '../core/approval.ts'
import { AegisError } from '../core/errors.ts'
import type { Json, JsonObject } from '../core/json.ts'

/** Of a tool's arguments: what runs with the rights of the repository's automation. */
const WORKFLOWS = /(?:^|[/\\"])\.github[/\\]+(?:workflows|actions)(?:[/\\"]|$)/i
const NEVER_AGAIN: ReadonlySet<string> = new Set(['deploy', 'approve'])

/** @throws AegisError `forbidden` where an approval of this may not be used more than once, whatever the reviewer wants */
export function demandRepeatable(approval: Approval): void {
  const why = whyNot(approval)
  if (why === null) return
  throw new AegisError('forbidden', `approval ${approval.id} cannot be given for repeated use: ${why}`, {
    advice: 'approve it for once, without `repeat`',
    path: 'repeat',
  })
}

function whyNot(approval: Approval): string | null {
  const { terms, blast, capability, head, parameters, target, plan } = approval
  if (terms.repeat === undefined) return 'the rule does not say `repeat`'
  if (blast === 'critical') return 'its blast radius is critical'
  if (NEVER_AGAIN.has(capability)) return `it is a ${capability}`
  // The digest binds the commit where it is known: only then a second merge is of the same one.
  if (capability === 'merge' && head === undefined) return 'the commit it merges is not known'
  const told: JsonObject = { parameters, target, ...(plan === undefined ? {} : { plan: { ...plan } }) }
  return touchesWorkflows(told) ? 'it touches workflows' : null
}

function touchesWorkflows(value: Json): boolean {
  if (typeof value === 'string') return WORKFLOWS.test(value)
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).some((one: Json) => touchesWorkflows(one))
}
