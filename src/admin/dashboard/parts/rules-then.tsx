import type { DecisionThen } from '../../../oversight/why.ts'
import { Decision } from './badges.tsx'
import { Said } from './said.tsx'

/** The rules that decided, as their files had them then; judged again, which is marked as such. */
export function RulesThen({ decisions }: { readonly decisions: readonly DecisionThen[] }) {
  const shown = decisions.filter(({ rule, version }) => rule !== null || version !== null)
  if (shown.length === 0) return null
  return (
    <>
      <h2>The policy then</h2>
      {shown.map((decision) => (
        <Then {...decision} />
      ))}
    </>
  )
}

function Then({ rule, version, recomputed }: DecisionThen) {
  return (
    <section class="block">
      {version === null ? null : (
        <p>
          <a href={`/policies/${version.number}`}>Version {version.number}</a>, digest{' '}
          <code>{version.digest.slice(0, 12)}</code>
        </p>
      )}
      {rule === null ? (
        <p class="dim">No rule decided: a default, a guard or an approval did.</p>
      ) : (
        <>
          <p class="dim">
            <Said text={`${rule.file}:${rule.line}`} brief={160} />
          </p>
          <pre tabindex={0}>
            <Said text={rule.text} lines />
          </pre>
        </>
      )}
      {typeof recomputed === 'string' ? null : (
        <p class="dim">
          Judged again by it now, without the facts of that time:{' '}
          <Decision kind={recomputed.simulation.decision.verdict} />{' '}
          {recomputed.unknownFacts.length === 0 ? '' : `not known any more: ${recomputed.unknownFacts.join(', ')}`}
        </p>
      )}
    </section>
  )
}
