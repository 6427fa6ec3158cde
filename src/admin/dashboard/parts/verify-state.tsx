import type { VerifyReport } from '../../../ledger/verify/report.ts'
import { Said } from './said.tsx'

const SHOWN = 50

/** What a verification found, the verdict first. */
export function VerifyState({ report }: { readonly report: VerifyReport }) {
  const { valid, undecided, totalEntries, manifestHash, brokenLink, findings, findingsTotal, belowTrust } = report
  const kind = undecided !== null ? 'review' : valid ? 'approve' : 'deny'
  return (
    <div id="verdict" class={`callout k-${kind}`} role="status">
      <p>
        <strong>{undecided !== null ? 'Cannot be decided' : valid ? 'Valid' : 'Not valid'}</strong>: {totalEntries}{' '}
        entries
        {valid && undecided === null ? ', each linked to the one before' : ''}.
      </p>
      {undecided === null ? null : (
        <p>
          <Said text={undecided} />
        </p>
      )}
      {brokenLink === null ? null : (
        <p>
          The broken link:{' '}
          <code>
            <Said text={brokenLink} />
          </code>
        </p>
      )}
      {belowTrust === null ? null : (
        <p>
          Less is signed than is asked for: <Said text={belowTrust} />
        </p>
      )}
      {findings.length === 0 ? null : (
        <ul>
          {findings.slice(0, SHOWN).map(({ class: name, severity, detail, seq }) => (
            <li>
              <strong>{name}</strong> ({severity}
              {seq === null ? '' : `, entry ${seq}`}): <Said text={detail} />
            </li>
          ))}
        </ul>
      )}
      {findingsTotal > SHOWN ? <p>{findingsTotal - SHOWN} more.</p> : null}
      <p class="hash dim">
        Manifest <code>{manifestHash}</code>
      </p>
    </div>
  )
}
