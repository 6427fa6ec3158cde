import type { ReviewTerms } from '../decision.ts'

/** The terms that satisfy all of these. */
export function strictestTerms(all: readonly [ReviewTerms, ...ReviewTerms[]]): ReviewTerms {
  return all.reduce((a, b) => ({
    ttl: Math.min(a.ttl, b.ttl),
    reviewers: Math.max(a.reviewers, b.reviewers),
    independent: a.independent || b.independent,
    sameSession: a.sameSession || b.sameSession,
  }))
}

/** True where an approval given on these terms is good for what is now asked: unchanged or looser demands. */
export function satisfies(given: ReviewTerms, asked: ReviewTerms): boolean {
  return (
    given.ttl <= asked.ttl &&
    given.reviewers >= asked.reviewers &&
    (given.independent || !asked.independent) &&
    (given.sameSession || !asked.sameSession)
  )
}
