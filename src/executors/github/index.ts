import { GATEWAY_STEPS } from '../../core/catalog/index.ts'
import type { Plan } from '../../core/envelope.ts'
import { AegisError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { AuthorizedAction, Outcome, StandIn } from '../../gateway/ports.ts'
import type { GithubRest } from '../../github/index.ts'
import { mergeHead } from './merge.ts'
import { type Proposal, propose } from './propose.ts'
import { refusalOutcome } from './refused.ts'

/**
 * Carries out over GitHub's REST API what no tool of an upstream can: a plan, and the merge of a known commit.
 * @param open a client for the API that issued the credential
 */
export function createGithubActions(open: (apiUrl: string, token: () => string) => GithubRest): StandIn {
  return {
    standsIn({ plan, action }) {
      if (plan !== undefined) return GATEWAY_STEPS.rewrite
      return action.tool === MERGE ? GATEWAY_STEPS.merge : null
    },

    async execute(action, credential, { signal }) {
      const apiUrl = credential?.apiUrl
      if (credential === null || apiUrl === undefined) throw noApi(action)
      const rest = open(apiUrl, () => credential.reveal())
      try {
        if (action.plan !== undefined) return proposed(action, action.plan, await propose(rest, action.plan, signal))
        return await merged(rest, action)
      } catch (error) {
        const refusal = refusalOutcome(error)
        if (refusal === null) throw error
        return refusal
      }
    },
  }
}

const MERGE = 'github.merge_pull_request'

async function merged(rest: GithubRest, { resource, head, onto, action }: AuthorizedAction): Promise<Outcome> {
  const { repository, pull } = resource
  // Who keeps the commit from being looked up must not get it merged unseen.
  if (repository === null || pull === null || head === undefined) {
    throw new AegisError('upstream_unreachable', 'which commit would be merged is not known, so nothing is merged', {
      advice: 'make the same call again when GitHub can be asked for the pull request',
      data: { sent: false },
    })
  }
  const { parameters } = action
  const bound = { repository, pull, head, ...(onto === undefined ? {} : { onto }), parameters }
  return answered(await mergeHead(rest, bound), [])
}

/** In the form of the tool that was asked for, so that an agent which reads its answers goes on as it would have. */
function proposed({ action }: AuthorizedAction, plan: Plan, { branch, commit, pull, existing }: Proposal): Outcome {
  const { owner, name } = plan.repository
  const common = {
    rewritten: true,
    pull_request: { number: pull.number, html_url: pull.url },
    branch,
  }
  const shape: JsonObject =
    action.tool === 'github.push_files'
      ? { ref: `refs/heads/${branch}`, object: { type: 'commit', sha: commit }, ...common }
      : { content: contentOf(plan), commit: { sha: commit }, ...common }
  const note =
    `${plan.base} of ${owner}/${name} is protected: the change was not written to it. ` +
    `${existing ? 'It is already proposed as' : 'It is proposed as'} pull request ${pull.url} from the branch ${branch}. ` +
    'Go on with other work; a person merges it.'
  return answered(shape, [note])
}

function contentOf({ files }: Plan): JsonObject | null {
  const [file] = files
  return file === undefined || file.content === null ? null : { path: file.path, type: 'file' }
}

function answered(structured: JsonObject, notes: readonly string[]): Outcome {
  const texts = [JSON.stringify(structured), ...notes]
  return {
    kind: 'result',
    result: { content: texts.map((text) => ({ type: 'text', text })), structuredContent: structured },
  }
}

function noApi({ action }: AuthorizedAction): AegisError {
  return new AegisError(
    'forbidden',
    `${action.route?.upstream ?? action.tool} has no credential that GitHub's API takes`,
    {
      advice: 'give the upstream a `credential` of type github_app in aegis.yaml',
      data: { sent: false },
    },
  )
}
