import { BLAST_LEVELS, VERDICTS, type Verdict } from '../core/decision.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'

type Level = (typeof BLAST_LEVELS)[number]
export type Counts = Record<Verdict, number>

/** A call that would not simply have been allowed. */
export interface Moment {
  readonly ts: string
  readonly envelope: string
  readonly session: string
  readonly agent: string
  readonly tool: string
  readonly would: Verdict
  /** What happened instead. */
  readonly decision: Verdict
  readonly blast: Level
  readonly score: number
}

/** What a room did, or would have done where it only watched, by the entries of the ledger. */
export interface RoomReport {
  readonly calls: number
  /** The decisions as the room and its policy mean them. */
  readonly would: Counts
  /** The decisions as they were. */
  readonly decisions: Counts
  /** Most called first. */
  readonly tools: readonly { readonly tool: string; readonly calls: number; readonly would: Counts }[]
  readonly blast: Readonly<Record<Level, Counts>>
  /** Newest first. */
  readonly moments: readonly Moment[]
  /** Moments that are not listed. */
  readonly more: number
}

const MOST_TOOLS = 25
const MOST_MOMENTS = 1000

/** Adds up the entries of one room, given newest first. */
export function createTally(room: string): { add(entry: JsonObject): void; report(): RoomReport } {
  const would = noCounts()
  const decisions = noCounts()
  const blast: Record<Level, Counts> = { low: noCounts(), medium: noCounts(), high: noCounts(), critical: noCounts() }
  const tools = new Map<string, Counts>()
  const moments: Moment[] = []
  let more = 0

  return {
    add(entry) {
      const found = momentOf(entry, room)
      if (found === null) return
      would[found.would] += 1
      decisions[found.decision] += 1
      blast[found.blast][found.would] += 1
      const tool = tools.get(found.tool) ?? noCounts()
      tool[found.would] += 1
      tools.set(found.tool, tool)
      if (found.would === 'allow') return
      if (moments.length < MOST_MOMENTS) moments.push(found)
      else more += 1
    },
    report() {
      const calls = sum(would)
      const top = [...tools]
        .map(([tool, counts]) => ({ tool, calls: sum(counts), would: counts }))
        .sort((one, two) => two.calls - one.calls || (one.tool < two.tool ? -1 : 1))
      return { calls, would, decisions, tools: top.slice(0, MOST_TOOLS), blast, moments, more }
    },
  }
}

/** An entry of a decision that names the room; null for any other. */
function momentOf(entry: JsonObject, room: string): Moment | null {
  const decision = VERDICTS.find((verdict) => verdict === textMember(entry, 'kind'))
  if (decision === undefined) return null
  const findings = findingsOf(entry)
  const shadowed = inside(entry, 'decision', 'rule') === `shadow:${room}`
  if (!shadowed && !namesRoom(entry, findings, room)) return null
  const { blast } = entry
  const score = isObject(blast) ? blast['score'] : 0
  return {
    ts: textMember(entry, 'ts') ?? '',
    envelope: textMember(entry, 'env') ?? '',
    session: textMember(entry, 'session') ?? '',
    agent: inside(entry, 'actor', 'agent'),
    tool: inside(entry, 'action', 'tool'),
    would: shadowed ? shadowOf(findings) : decision,
    decision,
    blast: BLAST_LEVELS.find((level) => level === inside(entry, 'blast', 'level')) ?? 'low',
    score: typeof score === 'number' ? score : 0,
  }
}

function namesRoom(entry: JsonObject, findings: readonly JsonObject[], room: string): boolean {
  const label = `room:${room}`
  return inside(entry, 'decision', 'rule') === label || findings.some((one) => textMember(one, 'name') === label)
}

/** What would have been, by the finding that says so; an entry lists so many findings and no more, then by the strictest of them. */
function shadowOf(findings: readonly JsonObject[]): Verdict {
  const said = VERDICTS.find((verdict) => findings.some((one) => textMember(one, 'name') === `shadow:${verdict}`))
  if (said !== undefined) return said
  const strictest = [...VERDICTS].reverse()
  return strictest.find((verdict) => findings.some((one) => textMember(one, 'verdict') === verdict)) ?? 'allow'
}

function findingsOf({ findings }: JsonObject): readonly JsonObject[] {
  return Array.isArray(findings) ? findings.filter((one: Json) => isObject(one)) : []
}

function inside(entry: JsonObject, outer: string, member: string): string {
  const value = entry[outer]
  return (isObject(value) ? textMember(value, member) : undefined) ?? ''
}

function noCounts(): Counts {
  return { allow: 0, rewrite: 0, review: 0, block: 0 }
}

function sum(counts: Counts): number {
  return VERDICTS.reduce((total, verdict) => total + counts[verdict], 0)
}
