import { createHmac } from 'node:crypto'
import type { Approval } from '../../core/approval.ts'
import type { Repository } from '../../core/envelope.ts'
import { AegisError } from '../../core/errors.ts'
import { type EnvelopeId, parseEnvelopeId } from '../../core/ids.ts'
import type { GithubRest } from '../../github/index.ts'
import { statusOf } from '../../github/index.ts'
import { type EventName, textAt } from '../events.ts'
import { DeliveryError, type Endpoint, type Notice, type NotificationStore } from '../ports.ts'
import { tellByCheck } from './check.ts'
import { tellByComment } from './comment.ts'
import { madeBy, type Pull, pullKey, pullOf } from './pull.ts'
import { type PullRecord, readRecord, withApproval, withRewrite } from './record.ts'

export const GITHUB = 'github'
const EVENTS: readonly EventName[] = ['approval', 'approved', 'denied', 'expired', 'result']

/** GitHub's API for as long as a credential for one pull request's sake lives. */
export interface GithubLoan {
  readonly rest: GithubRest
  /** Number of the App that acts; null where it is no App. */
  readonly app: string | null
}

/** Lends a credential for one repository: of the upstream named, or of the first that has one. @throws AegisError */
export type LendGithub = <T>(
  request: { readonly repository: Repository; readonly upstream: string | null; readonly mode: 'comment' | 'check' },
  use: (loan: GithubLoan) => Promise<T>,
) => Promise<T>

export interface GithubParts {
  readonly mode: 'comment' | 'check'
  readonly lend: LendGithub
  readonly store: Pick<NotificationStore, 'reference' | 'refer'>
  readonly approval: (id: EnvelopeId) => Promise<Approval | null>
  /** Of this installation: makes the mark by which our own comment is found again. */
  readonly key: Uint8Array
  readonly now: () => number
}

/** Tells a pull request of the approvals that concern it: one comment that is edited in place, or a check run for each. */
export function githubEndpoint(parts: GithubParts): Endpoint {
  const { mode, lend, store } = parts

  async function pullFor(notice: Notice): Promise<Pull | null> {
    const { approval, event } = notice
    const rewritten = notice.intent?.body['kind'] === 'rewrite'
    if (event === 'result') return approval === null && !rewritten ? null : madeBy(notice)
    if (approval === null) return null
    const known = await store.reference(GITHUB, approval.id)
    return known === null ? pullOf(approval) : readPull(known)
  }

  /** What the pull request is to be told, with what this adds. */
  async function recordFor(pull: Pull, { approval, body }: Notice): Promise<PullRecord> {
    const known = readRecord(await store.reference(GITHUB, pullKey(pull)))
    if (approval === null) {
      return withRewrite(known, textAt(body, 'actor', 'agent') ?? '', textAt(body, 'action', 'tool') ?? '')
    }
    await store.refer(GITHUB, approval.id, JSON.stringify(pull), parts.now())
    return { ...withApproval(known, approval.id), upstream: approval.upstream }
  }

  async function approvalsOf(record: PullRecord): Promise<readonly Approval[]> {
    const ids = record.approvals.flatMap((text) => parseEnvelopeId(text) ?? [])
    const found = await Promise.all(ids.map((id) => parts.approval(id)))
    return found.filter((approval) => approval !== null)
  }

  async function tell(pull: Pull, record: PullRecord, notice: Notice, signal: AbortSignal): Promise<PullRecord> {
    const request = { repository: pull.repository, upstream: record.upstream, mode }
    const approvals = await approvalsOf(record)
    return lend(request, async ({ rest, app }) => {
      if (mode === 'comment') {
        const comment = await tellByComment({ rest, app, mark: markOf(pull), signal }, pull, record, approvals)
        return { ...record, comment }
      }
      if (notice.approval === null) return record
      const id = await tellByCheck({ rest, signal }, pull, notice.approval, record.checks[notice.approval.id] ?? null)
      return { ...record, checks: { ...record.checks, [notice.approval.id]: id } }
    })
  }

  /** Nobody else can make it for a pull request of their own; whose comment bears it, GitHub says. */
  function markOf(pull: Pull): string {
    return `<!-- aegis ${createHmac('sha256', parts.key).update(pullKey(pull)).digest('hex').slice(0, 32)} -->`
  }

  return {
    name: GITHUB,
    kind: 'github',
    place: 'GitHub',
    events: new Set(EVENTS),
    width: 1,
    async deliver(notice, signal) {
      const pull = await pullFor(notice)
      if (pull === null) return
      const record = await recordFor(pull, notice)
      const keep = (kept: PullRecord) => store.refer(GITHUB, pullKey(pull), JSON.stringify(kept), parts.now())
      await keep(record)
      await keep(await tell(pull, record, notice, signal).catch(refused))
    },
  }
}

function readPull(text: string): Pull {
  // Written by `recordFor` and by nobody else.
  return JSON.parse(text) as Pull
}

/** Messages of our client for GitHub's API name the request and GitHub's reason, and hold no token. */
function refused(error: unknown): never {
  if (!(error instanceof AegisError)) throw error
  const seconds = error.data?.['retry_after']
  throw new DeliveryError(error.message.slice(0, 300), {
    permanent: statusOf(error) === 422,
    wait: typeof seconds === 'number' ? seconds * 1000 : null,
  })
}
