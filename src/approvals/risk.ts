import type { Approval } from '../core/approval.ts'
import { BLAST_LEVELS } from '../core/decision.ts'

/** The place of a level of the blast radius, 0 for low; an unknown level is no low one and comes above all. */
export function blastRank(level: string): number {
  const found = (BLAST_LEVELS as readonly string[]).indexOf(level)
  return found < 0 ? BLAST_LEVELS.length : found
}

/** By what a queue is sorted, higher first: the level of the blast radius, then its score (0 to 100). An integer from 0 to 4,100. */
export function riskRank({ blast, risk }: Pick<Approval, 'blast' | 'risk'>): number {
  return blastRank(blast) * 1000 + Math.round(Math.min(100, Math.max(0, risk?.score ?? 0)))
}
