import type { Approval } from '../../core/approval.ts'
import { isObject, type Json, type JsonObject, textMember } from '../../core/json.ts'
import { type GithubRest, repositoryPath } from '../../github/index.ts'
import { DeliveryError } from '../ports.ts'
import { plainLine } from '../summary.ts'
import type { Pull } from './pull.ts'
import { approvalLine, verdictOf } from './words.ts'

/** Makes the check run of an approval, or completes it; gives its number. One that is completed stays as it is, made or not. */
export async function tellByCheck(
  { rest, signal }: { readonly rest: GithubRest; readonly signal: AbortSignal },
  pull: Pull,
  approval: Approval,
  known: number | null,
): Promise<number> {
  const { repository } = pull
  const { title, conclusion } = verdictOf(approval)
  const word: JsonObject = {
    ...(conclusion === null ? { status: 'queued' } : { status: 'completed', conclusion }),
    output: { title: plainLine(title, 200), summary: approvalLine(approval) },
  }
  if (known !== null) {
    await rest.send('PATCH', repositoryPath(repository, 'check-runs', String(known)), word, { signal })
    return known
  }
  // Named by the tool, so that a rule of the repository that waits for one is not content with another.
  const name = `aegis: ${plainLine(approval.tool, 80)}`
  const head = approval.head ?? (await headOf(rest, pull, signal))
  const body = { name, head_sha: head, external_id: approval.id, ...word }
  const answer = await rest.send('POST', repositoryPath(repository, 'check-runs'), body, { signal })
  const id = isObject(answer.body) ? answer.body['id'] : null
  if (typeof id === 'number') return id
  throw new DeliveryError('GitHub does not say which check run it is')
}

async function headOf(rest: GithubRest, { repository, number }: Pull, signal: AbortSignal): Promise<string> {
  const { body } = await rest.get(repositoryPath(repository, 'pulls', String(number)), { signal })
  const head: Json | undefined = isObject(body) ? body['head'] : undefined
  const sha = head !== undefined && isObject(head) ? textMember(head, 'sha') : undefined
  if (sha !== undefined && /^[0-9a-f]{40}$/.test(sha)) return sha
  throw new DeliveryError("GitHub does not say which commit is the pull request's head")
}
