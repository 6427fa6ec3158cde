import type { Approval } from '../../core/approval.ts'
import { describeUpstreamCall } from '../../core/catalog/index.ts'
import type { Repository } from '../../core/envelope.ts'
import { isObject, textMember } from '../../core/json.ts'
import { textAt } from '../events.ts'
import type { Notice } from '../ports.ts'

export interface Pull {
  readonly repository: Repository
  readonly number: number
}

const PREFIX = 'github.'

/** The pull request that an approval is about, by its arguments; null where they name none, or are not kept any more. */
export function pullOf({ tool, remoteTool, parameters, upstream }: Approval): Pull | null {
  if (!tool.startsWith(PREFIX) || parameters === null) return null
  try {
    const name = remoteTool ?? tool.slice(PREFIX.length)
    const call = { upstream: upstream ?? 'github', catalog: 'github', tool: name, parameters } as const
    const { repository, pull } = describeUpstreamCall(call).resource
    return repository === null || pull === null ? null : { repository, number: pull }
  } catch {
    // What cannot be described was never approved.
    return null
  }
}

/** The pull request that an action made, where a person was asked for it or it stands for a direct write. */
export function madeBy({ body, approval, intent }: Notice): Pull | null {
  const number = /^pr\/([1-9]\d{0,9})$/.exec(textAt(body, 'outcome', 'label') ?? '')?.[1]
  const plan = intent?.values['plan']
  const planned = plan !== undefined && isObject(plan) ? textMember(plan, 'repository') : undefined
  const repository = repositoryIn(planned ?? approval?.target ?? '')
  return number === undefined || repository === null ? null : { repository, number: Number(number) }
}

export function repositoryIn(text: string): Repository | null {
  const [, owner, name] = /^([A-Za-z0-9][A-Za-z0-9-]{0,38})\/([A-Za-z0-9._-]{1,100})$/.exec(text) ?? []
  return owner === undefined || name === undefined ? null : { owner, name }
}

/** The same for every spelling that GitHub takes for the same. */
export function pullKey({ repository, number }: Pull): string {
  return `${repository.owner}/${repository.name}#${number}`.toLowerCase()
}
