import type { Fact, FactKey, PullFact, ReviewsFact } from '../../facts.ts'
import type { Reader } from '../reader.ts'
import type { TreeEntry } from '../tree.ts'
import { type ConfiguredGuard, factOf, type Guard, type GuardFinding, type GuardView } from './guard.ts'
import { githubLine, mergeOf, shownPull } from './merges.ts'
import { readSettings } from './settings.ts'

const ON_GITHUB = 'Ask somebody other than its author to approve it on GitHub, then merge again.'

interface Settings {
  readonly decision: 'block' | 'review'
  /** How many people must have approved. */
  readonly reviews: number
  /** Logins of agents, in lower case, whose reviews are no person's; GitHub's own bots are known. */
  readonly agents: readonly string[]
}

/** `autonomous_merge`: no pull request is merged that no person has approved. */
export function readAutonomousMerge(reader: Reader, entry: TreeEntry): ConfiguredGuard | null {
  const before = reader.problems.length
  const read = readSettings(reader, entry, {
    decisions: ['block', 'review'],
    keys: ['accept_aegis_approval', 'reviews', 'agents'],
    example: '{ decision: block, reviews: 1, agents: [build-bot] }',
  })
  if (read === null) return null
  const { members } = read
  const accepts = reader.flag(members.accept_aegis_approval)
  if (accepts !== undefined && read.decision !== undefined && accepts !== (read.decision === 'review')) {
    const at = members.accept_aegis_approval?.keyAt ?? entry.keyAt
    reader.problem(
      at,
      `\`accept_aegis_approval: ${accepts}\` and \`decision: ${read.decision}\` disagree; keep one of them`,
    )
  }
  const settings: Settings = {
    decision: accepts === true ? 'review' : (read.decision ?? 'block'),
    reviews: reader.whole(members.reviews, 1, 20) ?? 1,
    agents: reader.texts(members.agents)?.map(({ text }) => text.toLowerCase()) ?? [],
  }
  return reader.problems.length === before ? configured(settings) : null
}

function configured(settings: Settings): ConfiguredGuard {
  const guard: Guard = {
    name: 'autonomous_merge',
    destination: false,
    needs: ({ act, envelope }): readonly FactKey[] => (mergeOf(act, envelope) === 'now' ? ['pull', 'reviews'] : []),
    judge: (view) => judge(settings, view),
  }
  return { guard, settings: { ...settings } }
}

function judge(settings: Settings, { act, envelope, facts }: GuardView): readonly GuardFinding[] {
  const merge = mergeOf(act, envelope)
  if (merge === null) return beside(act)
  const why =
    merge === 'later' ? autoMerge(act) : unapproved(settings, act, factOf(facts, 'pull'), factOf(facts, 'reviews'))
  if (why === null) return []
  if (settings.decision === 'review') return [{ verdict: 'review', reason: why }]
  return [{ verdict: 'block', reason: why, suggestion: ON_GITHUB }]
}

/** What would make a merge look approved that is not. */
function beside({ tool, protocol, capability, resource }: GuardView['act']): readonly GuardFinding[] {
  const line = protocol === 'shell' ? githubLine(resource.target) : ''
  const moves = tool === 'github.update_pull_request' && resource.base !== null
  if (moves || /^gh pr edit .*(?:-B|--base)/.test(line))
    return [{ verdict: 'review', reason: 'another base changes what an approved pull request merges into' }]
  const approves = capability === 'approve' && tool.startsWith('github.')
  if (approves || /^gh pr review .*(?:-a|--approve)(?: |$)/.test(line))
    return [{ verdict: 'review', reason: "on GitHub an agent's approval would look like a person's" }]
  return []
}

/** It merges whatever the branch holds by then, which nobody can have approved. */
function autoMerge(act: GuardView['act']): string {
  return `auto-merge would merge ${shownPull(act)} without anybody looking at what it holds by then`
}

/** Why a pull request does not count as approved, null where it does. */
function unapproved(
  { reviews: needed, agents }: Settings,
  act: GuardView['act'],
  pull: Fact<PullFact>,
  reviews: Fact<ReviewsFact>,
): string | null {
  const shown = shownPull(act)
  if (!pull.known) return `whether a person approved ${shown} is unknown: ${pull.reason}`
  if (!reviews.known) return `whether a person approved ${shown} is unknown: ${reviews.reason}`
  const { author, headSha } = pull.value
  const { sha, approvedBy, changesRequestedBy } = reviews.value
  if (sha !== headSha)
    return `whether a person approved ${shown} is unknown: its reviews are of another commit than its head`
  if (changesRequestedBy.length > 0) return `changes were asked for in ${shown}, and not approved since`
  const people = new Set(approvedBy.map((login) => login.toLowerCase()))
  people.delete(author.toLowerCase())
  const persons = [...people].filter((login) => !login.endsWith('[bot]') && !agents.includes(login))
  if (persons.length >= needed) return null
  const found = persons.length === 0 ? 'no person has' : `${persons.length} of ${needed} people have`
  return `${found} approved ${shown} at ${headSha.slice(0, 7)}`
}
