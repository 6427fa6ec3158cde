import type { ReviewTerms } from '../decision.ts'

/** The terms that satisfy all of these. */
export function strictestTerms(all: readonly [ReviewTerms, ...ReviewTerms[]]): ReviewTerms {
  return all.reduce(stricter)
}

function stricter(a: ReviewTerms, b: ReviewTerms): ReviewTerms {
  const from = groups([...(a.from ?? []), ...(b.from ?? [])])
  const repeat = a.repeat === undefined || b.repeat === undefined ? undefined : Math.min(a.repeat, b.repeat)
  return {
    ttl: Math.min(a.ttl, b.ttl),
    reviewers: Math.max(a.reviewers, b.reviewers),
    independent: a.independent || b.independent,
    sameSession: a.sameSession || b.sameSession,
    ...(from.length === 0 ? {} : { from }),
    ...(a.role === undefined && b.role === undefined ? {} : { role: 'admin' }),
    ...(repeat === undefined ? {} : { repeat }),
    ...(a.notAuthor || b.notAuthor ? { notAuthor: true } : {}),
  }
}

/** Each group once. */
function groups(all: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return [...new Map(all.map((names) => [JSON.stringify(names), names])).values()]
}

/** True where an approval given on these terms is good for what is now asked: unchanged or looser demands. */
export function satisfies(given: ReviewTerms, asked: ReviewTerms): boolean {
  return (
    given.ttl <= asked.ttl &&
    given.reviewers >= asked.reviewers &&
    (given.independent || !asked.independent) &&
    (given.sameSession || !asked.sameSession) &&
    (given.role !== undefined || asked.role === undefined) &&
    (given.notAuthor === true || asked.notAuthor === undefined) &&
    (asked.from ?? []).every((group) => (given.from ?? []).some((names) => names.every((one) => group.includes(one))))
  )
}

/** True where the terms still let an approval be used again that was given for that. */
export function letsRepeat(given: ReviewTerms, asked: ReviewTerms): boolean {
  return given.repeat !== undefined && asked.repeat !== undefined && given.repeat <= asked.repeat
}
