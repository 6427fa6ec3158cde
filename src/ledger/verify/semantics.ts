import { isObject, textMember } from '../../core/json.ts'
import type { EntryBody } from '../format/body.ts'
import { createOpenIntents, type OpenIntents } from '../format/manifest.ts'
import { REPEAT_FINDING } from '../format/version.ts'
import { after, type DamageClass, type Findings } from './damage.ts'

/** What a session says of one approval. */
interface ApprovalTrail {
  readonly tool: string
  readonly commit: Readonly<Record<string, string>>
  /** Until when it may be used again and again, milliseconds since the epoch; null where once. */
  repeatUntil: number | null
  status: 'pending' | 'approved' | 'denied' | 'expired'
  /** How often it was used, without what came to nothing. */
  uses: number
}

export interface Semantics {
  note(entry: EntryBody, n: number): void
  finish(): void
  readonly open: OpenIntents
}

/** The order of acts must make sense: no result without its decision, no use of an approval that was not given, was for something else, or is spent. */
export function createSemantics(findings: Findings, pruned: number): Semantics {
  const open = createOpenIntents()
  const approvals = new Map<string, ApprovalTrail>()
  /** Redeemed approvals by the envelope that redeemed them. */
  const redeemed = new Map<string, ApprovalTrail>()
  let last = ''

  function note(entry: EntryBody, n: number): void {
    if (entry.ts < last) findings.add('CLOCK_BACKWARDS', after(entry.seq), n, `${entry.ts} follows ${last}`)
    last = entry.ts
    // What a result answers to may have been pruned.
    if (!open.note(entry) && pruned === 0) {
      findings.add('RESULT_WITHOUT_DECISION', after(entry.seq), n, `no open intent for envelope ${entry.env}`)
    }
    settleApproval(entry, n)
  }

  function settleApproval(entry: EntryBody, n: number): void {
    const own = approvals.get(entry.env)
    switch (entry.kind) {
      case 'review':
        // A later review of the same action names the approval that already waits.
        if (entry.ref === null) {
          const { tool, commit } = entry
          approvals.set(entry.env, { tool, commit, repeatUntil: null, status: 'pending', uses: 0 })
        }
        return
      case 'approve':
      case 'deny':
      case 'expire':
        if (own === undefined) return
        own.status = SETTLED[entry.kind]
        own.repeatUntil = entry.kind === 'approve' ? repeatUntil(entry) : null
        return
      case 'result':
        if (GIVES_BACK.has(entry.status ?? '')) restore(entry.env)
        redeemed.delete(entry.env)
        return
      case 'allow':
      case 'rewrite':
        if (entry.ref !== null) redeem(entry, entry.ref, n)
        return
      default:
        return
    }
  }

  function redeem(entry: EntryBody, ref: string, n: number): void {
    const trail = approvals.get(ref)
    const fault = faultOf(trail, entry)
    if (fault !== null) findings.add(fault[0], after(entry.seq), n, `approval ${ref} ${fault[1]}`)
    if (trail === undefined) return
    trail.uses += 1
    redeemed.set(entry.env, trail)
  }

  /** The approved act is not complete: the approval may be used again. */
  function restore(env: string): void {
    const trail = redeemed.get(env)
    if (trail !== undefined) trail.uses -= 1
  }

  function finish(): void {
    for (const seq of open.seqs()) findings.add('UNRESOLVED', after(seq), null, 'its result was never recorded')
  }

  return { note, finish, open }
}

function faultOf(trail: ApprovalTrail | undefined, entry: EntryBody): readonly [DamageClass, string] | null {
  if (trail === undefined) return ['APPROVAL_ELSEWHERE', 'is of another session']
  if (trail.status === 'expired') return ['APPROVAL_EXPIRED', 'had expired']
  if (trail.status !== 'approved') return ['APPROVAL_ABSENT', 'was never given']
  if (trail.uses > 0 && !(Date.parse(entry.ts) <= lastRepeat(trail))) return ['APPROVAL_REUSED', 'was used before']
  return sameAct(trail, entry) ? null : ['APPROVAL_MISMATCH', 'was for something else']
}

/** A call that began in time is written a moment later. */
const GRACE_MS = 60_000

function lastRepeat({ repeatUntil }: ApprovalTrail): number {
  return repeatUntil === null ? Number.NEGATIVE_INFINITY : repeatUntil + GRACE_MS
}

/** What an `approve` entry says of repeated use. */
function repeatUntil({ whole, ts }: EntryBody): number | null {
  const { findings } = whole
  const names = Array.isArray(findings) ? findings.filter(isObject).map((one) => textMember(one, 'name') ?? '') : []
  const said = names.find((name) => name.startsWith(REPEAT_FINDING))?.slice(REPEAT_FINDING.length) ?? ''
  return /^[1-9]\d{0,4}$/.test(said) ? Date.parse(ts) + Number(said) * 1000 : null
}

/** Nothing was sent, or the upstream only asked for more and the call is made again with it. */
const GIVES_BACK: ReadonlySet<string> = new Set(['unsent', 'input_required'])

const SETTLED = { approve: 'approved', deny: 'denied', expire: 'expired' } as const

/** The values that say what is done; of a write that becomes a pull request, the plan. */
const WHAT_RUNS = ['params', 'target', 'plan'] as const

/** Salts are reused by the envelope that redeems, so equal commitments mean equal values. */
function sameAct(approved: ApprovalTrail, entry: EntryBody): boolean {
  const { tool, commit } = approved
  const agrees = (path: string) => commit[path] === undefined || entry.commit[path] === commit[path]
  return tool === entry.tool && WHAT_RUNS.every(agrees)
}
