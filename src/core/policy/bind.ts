import type { ActionEnvelope } from '../envelope.ts'
import type { ChangedFile, FactKey, Facts } from '../facts.ts'
import type { PolicyDocument } from './document.ts'
import { guardNeeds, guardOpinions } from './guarding.ts'
import { planOf } from './rewrite.ts'
import { isShadowed } from './shadowed.ts'

/** What an approval of it must name: the commit that would be merged, and with it the files that it lands. */
const BOUND_TO_HEAD: ReadonlySet<string> = new Set(['github.merge_pull_request'])

/** The facts, approvals aside, that judging this envelope would look at and that nobody has looked up yet. */
export function missingFacts(
  documents: readonly PolicyDocument[],
  envelope: ActionEnvelope,
  known: Facts,
): readonly FactKey[] {
  const needed = new Set(guardNeeds(documents, envelope))
  if (BOUND_TO_HEAD.has(envelope.action.tool)) needed.add('pull').add('changes')
  return needed.size === 0 ? NONE : [...needed].filter((key) => known[key] === undefined)
}

const NONE: readonly FactKey[] = []

/** The envelope as it would run: what is approved is approved of this. Binding what is bound changes nothing. */
export function bind(documents: readonly PolicyDocument[], envelope: ActionEnvelope, facts: Facts): ActionEnvelope {
  const { pull, changes } = facts
  if (envelope.head === undefined && pull?.known === true && BOUND_TO_HEAD.has(envelope.action.tool)) {
    const lands = changes?.known === true ? { lands: changes.value.files.flatMap(pathsOf) } : {}
    return { ...envelope, head: pull.value.headSha, onto: pull.value.base, ...lands }
  }
  return isShadowed(envelope, facts) ? envelope : planned(documents, envelope, facts)
}

function pathsOf({ path, previousPath }: ChangedFile): readonly string[] {
  return previousPath === null ? [path] : [path, previousPath]
}

/** The envelope with its plan, where a guard wants one and one can be made. */
export function planned(documents: readonly PolicyDocument[], envelope: ActionEnvelope, facts: Facts): ActionEnvelope {
  if (envelope.plan !== undefined) return envelope
  if (!guardOpinions(documents, envelope, facts).some(({ rewrites }) => rewrites)) return envelope
  const plan = planOf(envelope, facts)
  return 'fault' in plan ? envelope : { ...envelope, plan }
}
