import { genesis } from '../format/chain.ts'
import { after, before, type Findings, type Link } from './damage.ts'
import { answersTo, type Testimony } from './testimony.ts'

/** What stands at the end of a chain and names its last entry. */
export interface Tail {
  readonly source: 'head' | 'manifest'
  readonly entries: number
  readonly last: string
}

/** Walks one chain in the order its source gives, one entry at a time, and says where the links do not hold. */
export interface Walk {
  step(entry: Testimony): void
  finish(tail: Tail | null): void
}

/** Gaps remembered at a time. More are a ruin, whose oldest gaps are reported as they are. */
const MAX_GAPS = 1000

/** @param pruned how many entries at the beginning are gone with a record of it: of the first one left, the link is not known */
export function createWalk(origin: string, session: string, findings: Findings, pruned: number): Walk {
  /** Next position expected. */
  let next = pruned
  /** The entry (or rivals for one position) at `next - 1`. */
  let current: Testimony[] = []
  /** Positions passed over, ascending, as [first, last]: filled later means reordered, never filled means deleted. */
  const gaps: [number, number][] = []
  /** A link that breaks between two entries which each hold for themselves: who is false shows when the next one speaks. */
  let suspects: { earlier: Testimony; later: Testimony; seq: number } | null = null

  function step(entry: Testimony): void {
    const seq = positionOf(entry)
    if (seq === next) advance(entry, seq)
    else if (seq > next) leap(entry, seq)
    else if (seq === next - 1) rival(entry, seq)
    else stray(entry, seq)
  }

  function positionOf(entry: Testimony): number {
    if (entry.sound && entry.body !== null) return entry.body.seq
    const column = entry.columns?.seq ?? -1
    if (column >= 0) return column
    if (entry.body === null || namesCurrent(entry.body.prev)) return next
    return entry.body.seq
  }

  function namesCurrent(prev: string): boolean {
    return current.some((entry) => answersTo(entry, prev))
  }

  function advance(entry: Testimony, seq: number): void {
    const prev = entry.body?.prev ?? entry.columns?.prev ?? null
    if (seq === 0) checkGenesis(entry, prev)
    settle(prev)
    if (seq > pruned) checkLink(entry, prev, seq)
    current = [entry]
    next = seq + 1
  }

  function checkGenesis(entry: Testimony, prev: string | null): void {
    if (prev === genesis(origin, session)) return
    if (!entry.sound) findings.add('ALTERED_LINK', before(0), entry.n, 'the first entry does not name the start')
    else findings.add('TRUNCATED_HEAD', before(0), entry.n, 'this chain does not start at its session and log')
  }

  function checkLink(entry: Testimony, prev: string | null, seq: number): void {
    if (prev === null || namesCurrent(prev)) return
    const [earlier] = current
    if (!entry.sound) findings.add('ALTERED_LINK', before(seq), entry.n, 'names another predecessor')
    // An unsound predecessor was reported by `settle`.
    else if (earlier?.sound === true) suspects = { earlier, later: entry, seq }
  }

  /** The current position is left behind: `named` is the hash by which its successor knows it, null where there is none. */
  function settle(named: string | null): void {
    if (suspects !== null) {
      if (isLaterTrue(suspects.earlier, suspects.later, named))
        findings.add('ALTERED_BODY', after(suspects.seq - 1), suspects.earlier.n, 'rewritten with its hash')
      else findings.add('ALTERED_LINK', before(suspects.seq), suspects.later.n, 'names another predecessor')
      suspects = null
    }
    for (const entry of current) reportUnsound(entry, named, next - 1)
  }

  /** Of two entries that each hold for themselves: the signed tree knows whether it is the earlier, without it the next link shows which the others follow. */
  function isLaterTrue(earlier: Testimony, later: Testimony, named: string | null): boolean {
    if (earlier.inTree !== null) return !earlier.inTree
    return named !== null && answersTo(later, named)
  }

  function reportUnsound(entry: Testimony, named: string | null, seq: number): void {
    if (entry.sound) return
    const hashOnly = named !== null && named === entry.bodyHash
    if (hashOnly) findings.add('ALTERED_HASH', after(seq), entry.n, 'the stored hash is not that of the body')
    else findings.add('ALTERED_BODY', after(seq), entry.n, 'the body does not have the stored hash')
  }

  function leap(entry: Testimony, seq: number): void {
    settle(null)
    gaps.push([next, seq - 1])
    for (const oldest of gaps.splice(0, gaps.length - MAX_GAPS)) reportGap(oldest)
    current = [entry]
    next = seq + 1
  }

  function rival(entry: Testimony, seq: number): void {
    const [first] = current
    const twin = first?.bodyHash === entry.bodyHash
    const sameRoot = first?.body?.prev === entry.body?.prev
    if (!twin && sameRoot && entry.sound) findings.add('FORK', before(seq), entry.n, `two entries at seq ${seq}`)
    else findings.add('INSERTED', before(seq), entry.n, `seq ${seq} is there already`)
    if (current.length < 8) current.push(entry)
  }

  function stray(entry: Testimony, seq: number): void {
    if (fillGap(seq)) findings.add('REORDERED', before(seq), entry.n, `stands after seq ${next - 1}`)
    else findings.add('INSERTED', before(seq), entry.n, `seq ${seq} is there already`)
    reportUnsound(entry, null, seq)
  }

  function fillGap(seq: number): boolean {
    const index = gaps.findIndex(([first, last]) => first <= seq && seq <= last)
    const gap = gaps[index]
    if (gap === undefined) return false
    const rest: [number, number][] = [
      [gap[0], seq - 1],
      [seq + 1, gap[1]],
    ]
    gaps.splice(index, 1, ...rest.filter(([first, last]) => first <= last))
    return true
  }

  function reportGap([first, last]: [number, number]): void {
    const what = first === last ? `seq ${first} is missing` : `seq ${first} to ${last} are missing`
    const link: Link = { from: first === 0 ? 'start' : first - 1, to: last + 1 }
    findings.add(first === 0 ? 'TRUNCATED_HEAD' : 'DELETED', link, null, what)
  }

  function finish(tail: Tail | null): void {
    settle(tail?.last ?? null)
    for (const gap of gaps) reportGap(gap)
    if (pruned > 0) findings.add('PRUNED', null, null, `seq 0 to ${pruned - 1} were pruned, as recorded`)
    // Of a session that is gone as a whole the last hash is not there to be compared.
    if (tail !== null && (tail.entries > pruned || next > pruned)) compareTail(tail)
  }

  function compareTail(tail: Tail): void {
    const lastAgrees = next === 0 ? tail.last === genesis(origin, session) : namesCurrent(tail.last)
    const n = current[0]?.n ?? null
    const link: Link = { from: next === 0 ? 'start' : next - 1, to: tail.source }
    const forged = tail.source === 'manifest' ? 'MANIFEST_FORGED' : 'PROJECTION_MISMATCH'
    if (tail.entries === next) {
      const altered = tail.source === 'manifest' ? 'MANIFEST_FORGED' : 'ALTERED_LINK'
      // An unsound last entry was reported as such.
      if (!lastAgrees && current[0]?.sound !== false) findings.add(altered, link, n, 'names another last entry')
    } else if (lastAgrees) {
      findings.add(forged, link, n, `says ${tail.entries} entries, there are ${next}`)
    } else if (tail.entries > next) {
      const kind = next === 0 ? 'SESSION_MISSING' : 'TRUNCATED_TAIL'
      const lost: Link = next === 0 ? { from: 'start', to: tail.source } : after(next - 1)
      findings.add(kind, lost, n, `seq ${next} to ${tail.entries - 1} are missing at the end`)
    } else {
      findings.add(
        'INSERTED',
        after(tail.entries - 1),
        n,
        `seq ${tail.entries} to ${next - 1} are not known at the end`,
      )
    }
  }

  return { step, finish }
}
