import type { SeenEntry } from '../entry-view.ts'
import { Blast, Decision, Tool } from './badges.tsx'
import { Sentence } from './phrase.tsx'
import { Said } from './said.tsx'
import { When } from './when.tsx'

/** Entries one under the other, as they were written. */
export function Timeline({ entries }: { readonly entries: readonly SeenEntry[] }) {
  return (
    <ol class="timeline">
      {entries.map((entry) => (
        <li>
          <When at={entry.ts} /> <Decision kind={entry.kind} />{' '}
          <a href={`/actions/${entry.env}`}>
            <Told entry={entry} />
          </a>{' '}
          {entry.blast === null || entry.blast.level === 'low' ? null : (
            <Blast level={entry.blast.level} score={entry.blast.score} />
          )}
          <Outcome entry={entry} />
        </li>
      ))}
    </ol>
  )
}

/** What it did, where its arguments are still there; else the tool. */
function Told({ entry }: { readonly entry: SeenEntry }) {
  if (entry.reviewer !== null) {
    return (
      <>
        by <Said text={entry.reviewer.name} />: <Tool name={entry.tool} />
      </>
    )
  }
  return entry.kind === 'result' || entry.kind === 'orphan' || entry.kind === 'expire' ? (
    <Tool name={entry.tool} />
  ) : (
    <Sentence of={entry.summary} />
  )
}

export function Outcome({ entry }: { readonly entry: Pick<SeenEntry, 'outcome' | 'comment'> }) {
  const { outcome, comment } = entry
  return (
    <>
      {outcome === null ? null : (
        <span class={outcome.status === 'ok' ? 'dim' : 'fault'}>
          {' '}
          <Said text={outcome.label ?? outcome.status} brief={120} />
        </span>
      )}
      {comment === null || comment === '' ? null : (
        <span class="dim">
          {' '}
          “<Said text={comment} lines brief={300} />”
        </span>
      )}
    </>
  )
}
