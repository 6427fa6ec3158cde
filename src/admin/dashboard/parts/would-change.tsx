import type { ReplayReport } from '../../../policy-set/index.ts'
import { Decision } from './badges.tsx'
import { Said } from './said.tsx'

/** Recorded decisions judged again by another policy: how many would be others, and which. */
export function WouldChange(props: { readonly report: ReplayReport; readonly from: number; readonly size: number }) {
  const { report, from, size } = props
  const changes = Object.entries(report.matrix).filter(([pair]) => {
    const [was, would] = pair.split('>')
    return was !== would
  })
  return (
    <>
      <p>
        Of {report.decisions} decisions in the entries {from} to {size}: {report.unchanged} would be the same,{' '}
        <strong>{report.changed} others</strong>, {report.undecidable} cannot be told.
      </p>
      {changes.length === 0 ? null : (
        <ul class="findings">
          {changes.map(([pair, count]) => (
            <li>
              {count} × <Decision kind={pair.split('>')[0] ?? ''} /> would be{' '}
              <Decision kind={pair.split('>')[1] ?? ''} />
            </li>
          ))}
        </ul>
      )}
      {Object.keys(report.reasons).length === 0 ? null : (
        <p class="dim">
          Not told:{' '}
          {Object.entries(report.reasons)
            .map(([reason, count]) => `${count} × ${reason}`)
            .join(', ')}
          .
        </p>
      )}
      {report.examples.length === 0 ? null : (
        <ul class="timeline">
          {report.examples.map(({ env, tool, was, would, ruleNow }) => (
            <li>
              <a href={`/actions/${env}`}>
                <Said text={tool} name="strict" brief={120} />
              </a>{' '}
              <Decision kind={was} /> would be <Decision kind={would} /> by{' '}
              <code>
                <Said text={ruleNow} brief={160} />
              </code>
            </li>
          ))}
        </ul>
      )}
      <p class="dim">Facts that nobody recorded then are unknown: what needs them counts as not told.</p>
    </>
  )
}
