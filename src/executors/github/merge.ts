import type { Repository } from '../../core/envelope.ts'
import { isObject, type JsonObject } from '../../core/json.ts'
import { type GithubRest, repositoryPath, statusOf } from '../../github/index.ts'
import { objectIn, textIn } from './answers.ts'
import { Refused } from './refused.ts'

const METHODS: ReadonlySet<string> = new Set(['merge', 'squash', 'rebase'])

/**
 * Merges a pull request if its head still is the commit that was judged: the tool that was asked for has no argument for it.
 * @throws Refused where GitHub says no
 */
export async function mergeHead(
  rest: GithubRest,
  act: {
    readonly repository: Repository
    readonly pull: number
    readonly head: string
    /** The branch that it was judged to go into. */
    readonly onto?: string
    readonly parameters: JsonObject
  },
): Promise<JsonObject> {
  const { repository, pull, head, onto, parameters } = act
  const { merge_method: method, commit_title: title, commit_message: message } = parameters
  if (method !== undefined && (typeof method !== 'string' || !METHODS.has(method)))
    throw new Refused(422, '`merge_method` is one of merge, squash, rebase')
  const body = {
    sha: head,
    ...(method === undefined ? {} : { merge_method: method }),
    ...(typeof title === 'string' && title !== '' ? { commit_title: title } : {}),
    ...(typeof message === 'string' && message !== '' ? { commit_message: message } : {}),
  }
  if (onto !== undefined) await demandBase(rest, repository, pull, onto)
  try {
    const answer = await rest.send('PUT', repositoryPath(repository, 'pulls', String(pull), 'merge'), body)
    return isObject(answer.body) ? answer.body : {}
  } catch (error) {
    if (statusOf(error) === 409)
      throw new Refused(
        409,
        `the pull request is no longer at ${head}, the commit that was looked at: nothing was merged`,
      )
    throw error
  }
}

/** GitHub binds a merge to a commit and not to a base: it is looked at last thing. */
async function demandBase(rest: GithubRest, repository: Repository, pull: number, onto: string): Promise<void> {
  const { body } = await rest.get(repositoryPath(repository, 'pulls', String(pull)))
  if (textIn(objectIn(body, 'base'), 'ref') === onto) return
  throw new Refused(409, `the pull request no longer goes into ${onto}: nothing was merged`)
}
