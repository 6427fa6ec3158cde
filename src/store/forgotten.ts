import type { Approval, Vote } from '../core/approval.ts'

/** What an approval's row keeps as text: `votes` and `resolution` hold comments, `record` all that parking wrote. */
export interface KeptTexts {
  readonly record: string
  readonly votes: string
  readonly resolution: string | null
}

type Forgettable = Pick<Approval, 'salts' | 'target' | 'justification' | 'plan' | 'findings' | 'repository' | 'risk'>

/**
 * The texts without the values at these paths, and without the salts that would let a short value be guessed. The arguments of
 * a call may be read from its target and its plan, so that these go with them; comments go whoever gave them.
 */
export function forgotten(kept: KeptTexts, paths: readonly string[]): KeptTexts {
  const { salts, target, justification, plan, findings, repository, risk, ...rest }: Forgettable = JSON.parse(
    kept.record,
  )
  const erases = (path: string) => paths.includes(path)
  const record = {
    ...rest,
    ...(repository === undefined || erases('target') || erases('params') ? {} : { repository }),
    ...(plan === undefined || erases('plan') || erases('params') ? {} : { plan }),
    // Reasons quote arguments.
    ...(risk === undefined ? {} : { risk: erases('params') ? { ...risk, reasons: [] } : risk }),
    findings: erases('params') ? findings.map(({ name, verdict }) => ({ name, verdict })) : findings,
    salts: Object.fromEntries(Object.entries(salts).filter(([path]) => !erases(path))),
    target: erases('target') || erases('params') ? '' : target,
    justification: erases('justification') ? null : justification,
  }
  if (!erases('comment')) return { ...kept, record: JSON.stringify(record) }
  const silent = (vote: Vote): Vote => ({ ...vote, comment: '' })
  const votes: readonly Vote[] = JSON.parse(kept.votes)
  const resolution: Vote | null = kept.resolution === null ? null : JSON.parse(kept.resolution)
  return {
    record: JSON.stringify(record),
    votes: JSON.stringify(votes.map(silent)),
    resolution: resolution === null ? null : JSON.stringify(silent(resolution)),
  }
}
