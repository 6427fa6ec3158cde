import type { Approval } from '../../core/approval.ts'
import { isObject, type Json, textMember } from '../../core/json.ts'
import { type GithubRest, repositoryPath, statusOf } from '../../github/index.ts'
import { DeliveryError } from '../ports.ts'
import type { Pull } from './pull.ts'
import type { PullRecord } from './record.ts'
import { approvalLine, commentBody, rewriteLine } from './words.ts'

/** Pages of a conversation that are searched for our comment. */
const PAGES = 5
const PAGE_BYTES = 8 * 1024 * 1024

interface Telling {
  readonly rest: GithubRest
  readonly app: string | null
  readonly mark: string
  readonly signal: AbortSignal
}

/** Writes the one comment, or edits it; gives its number. */
export async function tellByComment(
  telling: Telling,
  pull: Pull,
  record: PullRecord,
  approvals: readonly Approval[],
): Promise<number> {
  const { rest, signal, mark } = telling
  const lines = [
    ...record.rewrites.map(({ agent, tool }) => rewriteLine(agent, tool)),
    ...approvals.map((approval) => approvalLine(approval)),
  ]
  const body = commentBody(mark, lines)
  const known = record.comment ?? (await ownComment(telling, pull))
  if (known !== null) {
    try {
      await rest.send(
        'PATCH',
        repositoryPath(pull.repository, 'issues', 'comments', String(known)),
        { body },
        { signal },
      )
      return known
    } catch (error) {
      // Somebody deleted it: what is new is told anew.
      if (statusOf(error) !== 404) throw error
    }
  }
  const answer = await rest.send('POST', commentsPath(pull), { body }, { signal })
  return numberIn(answer.body)
}

/**
 * Ours from an earlier try that ended before its number was kept. Anybody can copy the mark into a comment of their own, so that
 * the App must have written it; where no App acts, none is taken for ours.
 */
async function ownComment({ rest, app, mark, signal }: Telling, pull: Pull): Promise<number | null> {
  if (app === null) return null
  const { items } = await rest.pages(commentsPath(pull), { most: PAGES, limit: PAGE_BYTES, signal })
  for (const item of items) {
    if (!isObject(item)) continue
    const by = item['performed_via_github_app']
    const ours = isObject(by) && String(by['id']) === app
    if (ours && textMember(item, 'body')?.startsWith(mark)) return numberIn(item)
  }
  return null
}

function commentsPath({ repository, number }: Pull): string {
  return repositoryPath(repository, 'issues', String(number), 'comments')
}

function numberIn(body: Json): number {
  const id = isObject(body) ? body['id'] : null
  if (typeof id === 'number' && Number.isSafeInteger(id)) return id
  throw new DeliveryError('GitHub does not say which comment it is')
}
