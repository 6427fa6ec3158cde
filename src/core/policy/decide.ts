import type { Finding, ReviewTerms, RuleRef, RuleVerdict } from '../decision.ts'
import type { Act, ActionEnvelope } from '../envelope.ts'
import type { Facts } from '../facts.ts'
import { guardOpinions } from './guarding.ts'
import { type Bench, searchRules } from './judge.ts'
import { doubtOpinion, type Opinion, stricterThan } from './opinion.ts'
import { planOf } from './rewrite.ts'
import { type RoomSays, roomSays } from './room.ts'
import { strictestTerms } from './terms.ts'

/** What rules, guards and the room make of an envelope before anybody looks for an approval. */
export interface Judgement {
  readonly verdict: RuleVerdict
  readonly rule: RuleRef
  readonly reason: string
  readonly findings: readonly Finding[]
  readonly terms: ReviewTerms
  readonly suggestion: string | null
  /** A guard wants it to become a pull request. */
  readonly rewriting: boolean
  /** The room bars it, which holds in shadow mode too. */
  readonly access: boolean
}

/**
 * Rules, guards, the room and the catalog's doubts on each act: the strictest opinion decides, all are recorded. Where the call is
 * rewritten, the rules that match it as it was asked still speak, its defaults do not (it never runs), and every step of the
 * plan is judged as if the agent had asked for it.
 */
export function judge(benches: readonly [Bench, ...Bench[]], envelope: ActionEnvelope, facts: Facts): Judgement {
  const { action, plan } = envelope
  const [first] = action.acts
  let decided = { act: first, opinion: undefined as Opinion | undefined }
  const all: Opinion[] = []
  const consider = (act: Act, opinion: Opinion) => {
    all.push(opinion)
    if (decided.opinion === undefined || outweighs(opinion, decided.opinion)) decided = { act, opinion }
  }
  let barred = false
  const judged = (act: Act, asked: boolean) => {
    const room = judgeAct(benches, envelope, facts, { act, asked }, consider)
    if (room === null) return
    barred ||= room.access?.verdict === 'block'
    if (room.presence !== null) all.push(room.presence)
  }
  for (const act of action.acts) judged(act, plan !== undefined)
  for (const act of plan?.acts ?? []) judged(act, false)
  const rewriting = guard(benches, envelope, facts, consider, all)
  const { act, opinion = benches[0].fallback } = decided
  const { terms } = opinion
  const deciding =
    rewriting !== null && opinion.verdict === 'allow' ? { act: first, opinion: rewriting } : { act, opinion }
  return {
    verdict: opinion.verdict,
    rule: deciding.opinion.ref,
    reason: reasonOf(deciding, action.tool),
    findings: distinct(all),
    terms: opinion.verdict === 'review' ? reviewTerms(all, terms) : terms,
    suggestion: opinion.suggestion,
    rewriting: rewriting !== null,
    access: barred,
  }
}

function reasonOf({ act, opinion }: { readonly act: Act; readonly opinion: Opinion }, tool: string): string {
  const { reason } = opinion.finding
  return act.tool === tool ? reason : `${act.tool}: ${reason}`
}

/** The stricter one; of two that are as strict, the one that says more than that no rule matched. */
function outweighs(one: Opinion, other: Opinion): boolean {
  if (one.verdict !== other.verdict) return stricterThan(one.verdict, other.verdict)
  return one.verdict !== 'allow' && other.finding.source === 'default' && one.finding.source !== 'default'
}

type Consider = (act: Act, opinion: Opinion) => void

/** What the room says, null where none is known of. `asked`: the act itself never runs, a plan does in its place. */
function judgeAct(
  benches: readonly [Bench, ...Bench[]],
  { surface }: ActionEnvelope,
  facts: Facts,
  { act, asked }: { readonly act: Act; readonly asked: boolean },
  consider: Consider,
): RoomSays | null {
  const { name } = benches[0].document
  const room = facts.room === undefined ? null : roomSays(act, facts, name)
  for (const bench of benches) {
    const fallback = asked ? null : (room?.fallback ?? bench.fallback)
    for (const opinion of searchRules(bench, surface, act, fallback).opinions) consider(act, opinion)
  }
  if (act.doubt !== null) consider(act, doubtOpinion(act, act.doubt, name))
  if (room !== null && room.access !== null) consider(act, room.access)
  return room
}

/** The guards' opinions; what rewrites is recorded, and where no plan could be made of it, blocks. */
function guard(
  benches: readonly [Bench, ...Bench[]],
  envelope: ActionEnvelope,
  facts: Facts,
  consider: Consider,
  all: Opinion[],
): Opinion | null {
  let rewriting: Opinion | null = null
  const documents = benches.map(({ document }) => document)
  for (const { act, opinion, rewrites } of guardOpinions(documents, envelope, facts)) {
    if (!rewrites) {
      consider(act, opinion)
      continue
    }
    rewriting ??= opinion
    const fault = faultOf(envelope, facts)
    if (fault === null) all.push(opinion)
    else consider(act, unplanned(opinion, fault))
  }
  return rewriting
}

/** Why no plan stands for it: a call that should have been bound to one and was not must not run as it was asked. */
function faultOf(envelope: ActionEnvelope, facts: Facts): string | null {
  if (envelope.plan !== undefined) return null
  const plan = planOf(envelope, facts)
  if ('fault' in plan) return plan.fault
  return 'it was not planned'
}

function unplanned(opinion: Opinion, fault: string): Opinion {
  const reason = `${opinion.finding.reason}, but it cannot be made a pull request: ${fault}`
  return {
    ...opinion,
    verdict: 'block',
    finding: { ...opinion.finding, verdict: 'block', reason },
    suggestion: 'push to a branch of your own and open a pull request',
  }
}

function reviewTerms(opinions: readonly Opinion[], terms: ReviewTerms): ReviewTerms {
  return strictestTerms([terms, ...opinions.filter(({ verdict }) => verdict === 'review').map((one) => one.terms)])
}

/** Equal findings of several acts once, the strictest first. */
function distinct(opinions: readonly Opinion[]): readonly Finding[] {
  if (opinions.length === 1) return opinions.map(({ finding }) => finding)
  const kept: Opinion[] = []
  const seen = new Set<string>()
  for (const opinion of opinions) {
    const { source, name, verdict, reason } = opinion.finding
    // An agent has a say in the reason alone, and only in the catalog's: it can hide no finding of another source.
    const key = `${source} ${opinion.ref.policy} ${verdict} ${name} ${reason}`
    if (seen.has(key)) continue
    seen.add(key)
    kept.push(opinion)
  }
  return kept.sort((a, b) => RANK[a.verdict] - RANK[b.verdict]).map(({ finding }) => finding)
}

const RANK = { block: 0, review: 1, allow: 2 } as const satisfies Record<RuleVerdict, number>
