import type { PolicyDocument } from '../../core/policy/index.ts'
import { isBody, readBody } from '../../ledger/format/body.ts'
import type { EntryWithPayloads } from '../../ledger/store.ts'
import { type Candidate, candidateOf, rejudge } from './judge.ts'
import { rebuild, recordedDecision } from './recorded.ts'
import { addedUp, NO_DECISIONS, type ReplayReport, tallied } from './tally.ts'

/** The documents of the version with this digest; null where it is not known or does not compile any more. */
export type DocumentsOf = (policySha256: string) => Promise<readonly PolicyDocument[] | null>

/** Judges recorded actions again. Nothing is looked up, recorded or run. */
export interface Replay {
  /** The report of these entries alone; those that are no decisions count for nothing. */
  judge(entries: readonly EntryWithPayloads[]): Promise<ReplayReport>
}

/** Versions remembered at once. */
const REMEMBERED = 32

export function createReplay(documents: readonly PolicyDocument[], documentsOf: DocumentsOf): Replay {
  const candidate = candidateOf(documents)
  const known = new Map<string, Candidate | null>()

  async function candidateThen(digest: string): Promise<Candidate | null> {
    const remembered = known.get(digest)
    if (remembered !== undefined) return remembered
    const found = digest === candidate.whole.digest ? documents : await documentsOf(digest)
    const then = found === null ? null : candidateOf(found)
    if (known.size >= REMEMBERED) known.clear()
    known.set(digest, then)
    return then
  }

  async function one({ entry, payloads }: EntryWithPayloads): Promise<ReplayReport> {
    const body = readBody(Buffer.from(entry.body).toString('utf8'))
    const recorded = isBody(body) ? recordedDecision(entry.n, body) : null
    if (!isBody(body) || recorded === null) return NO_DECISIONS
    const rebuilt = rebuild(body, payloads)
    if (!rebuilt.ok) return tallied(recorded, { decided: false, why: rebuilt.why })
    const then = await candidateThen(recorded.policySha256)
    return tallied(recorded, rejudge(candidate, then, recorded, rebuilt.envelopes))
  }

  return {
    async judge(entries) {
      const reports: ReplayReport[] = []
      for (const entry of entries) reports.push(await one(entry))
      return addedUp(reports)
    },
  }
}
