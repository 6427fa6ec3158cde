import { isObject, type Json, textMember } from '../../core/json.ts'

/** What is kept of a pull request: what it was told of, and what it was told by. Ids and names only. */
export interface PullRecord {
  readonly upstream: string | null
  /** Ids of approvals, oldest first. */
  readonly approvals: readonly string[]
  readonly rewrites: readonly { readonly agent: string; readonly tool: string }[]
  /** GitHub's number of our comment, or null. */
  readonly comment: number | null
  /** GitHub's number of the check run of each approval. */
  readonly checks: Readonly<Record<string, number>>
}

/** What one comment tells of at most: the newest. */
const MOST = 20

export function readRecord(text: string | null): PullRecord {
  const value: Json = text === null ? {} : JSON.parse(text)
  const object = isObject(value) ? value : {}
  const { approvals, rewrites, comment, checks } = object
  return {
    upstream: textMember(object, 'upstream') ?? null,
    approvals: Array.isArray(approvals) ? approvals.filter((id: Json) => typeof id === 'string') : [],
    rewrites: Array.isArray(rewrites)
      ? rewrites.flatMap((one: Json) =>
          isObject(one) ? [{ agent: textMember(one, 'agent') ?? '', tool: textMember(one, 'tool') ?? '' }] : [],
        )
      : [],
    comment: typeof comment === 'number' ? comment : null,
    checks:
      checks !== undefined && isObject(checks)
        ? Object.fromEntries(
            Object.entries(checks).filter((pair): pair is [string, number] => typeof pair[1] === 'number'),
          )
        : {},
  }
}

export function withApproval(record: PullRecord, id: string): PullRecord {
  if (record.approvals.includes(id)) return record
  return { ...record, approvals: [...record.approvals, id].slice(-MOST) }
}

export function withRewrite(record: PullRecord, agent: string, tool: string): PullRecord {
  if (record.rewrites.some((one) => one.agent === agent && one.tool === tool)) return record
  return { ...record, rewrites: [...record.rewrites, { agent, tool }].slice(-MOST) }
}
