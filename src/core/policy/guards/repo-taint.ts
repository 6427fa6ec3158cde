import type { FactKey, TaintFact } from '../../facts.ts'
import { excerpt } from '../../paths.ts'
import type { Reader } from '../reader.ts'
import type { TreeEntry } from '../tree.ts'
import { type ConfiguredGuard, factOf, type Guard, type GuardFinding, type GuardView } from './guard.ts'
import { readSettings } from './settings.ts'
import { isPush, isWrite, shownName, shownRepository } from './writes.ts'

type Decision = 'block' | 'review'
const SHOWN = 3

/**
 * `repo_taint`: who has read what strangers wrote, and what is not public, may have been told to carry the one out by the
 * other ("toxic agent flow"): what others can read is then written only with a person's consent.
 */
export function readRepoTaint(reader: Reader, entry: TreeEntry): ConfiguredGuard | null {
  const before = reader.problems.length
  const read = readSettings(reader, entry, {
    decisions: ['block', 'review'],
    keys: [],
    example: '{ decision: review }',
  })
  if (read === null || reader.problems.length !== before) return null
  const decision = read.decision ?? 'review'
  const guard: Guard = {
    name: 'repo_taint',
    destination: false,
    needs: ({ act }) => needs(act),
    judge: (view) => judge(decision, view),
  }
  return { guard, settings: { decision } }
}

function needs(act: GuardView['act']): readonly FactKey[] {
  if (!leaves(act)) return []
  return act.resource.repository === null ? ['taint'] : ['taint', 'repository']
}

/** What others may get to read: GitHub, the web, what no catalog knows. Work on the machine is none of it until it is pushed. */
function leaves(act: GuardView['act']): boolean {
  if (!isWrite(act)) return false
  return act.tool.startsWith('github.') || act.protocol === 'http' || act.protocol === 'mcp' || isPush(act)
}

function judge(decision: Decision, { act, facts }: GuardView): readonly GuardFinding[] {
  if (!leaves(act)) return []
  const taint = factOf(facts, 'taint')
  if (taint.known && (taint.value.untrusted.length === 0 || taint.value.private.length === 0)) return []
  const where = readers(act, facts)
  if (where === null) return []
  const why = taint.known ? whyOf(taint.value) : `what it has read before is unknown: ${taint.reason}`
  return [{ verdict: decision, reason: `${where}, and ${why}` }]
}

/** Who can read what is written, where that may be anybody; null where the repository is known to be private. */
function readers({ resource, tool }: GuardView['act'], facts: GuardView['facts']): string | null {
  const { repository } = resource
  if (repository === null) return `who can read what ${shownName(tool)} writes is not known`
  const fact = factOf(facts, 'repository')
  const name = shownRepository(repository)
  if (!fact.known) return `whether ${name} is public is unknown: ${fact.reason}`
  return fact.value.private ? null : `${name} is public`
}

function whyOf({ untrusted, private: hidden }: TaintFact): string {
  return `it has read what strangers can write (${listed(untrusted)}) and what is not public (${listed(hidden)})`
}

function listed(names: readonly string[]): string {
  const more = names.length > SHOWN ? `, and ${names.length - SHOWN} more` : ''
  return `${names.slice(0, SHOWN).map(excerpt).join(', ')}${more}`
}
