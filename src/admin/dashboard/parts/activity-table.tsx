import type { Activity } from '../activity.ts'
import { labelOf, sessionPath } from '../queue.ts'
import { Blast, Decision, Tool } from './badges.tsx'
import { Sentence } from './phrase.tsx'
import { Said } from './said.tsx'
import { Outcome } from './timeline.tsx'
import { When } from './when.tsx'

/** Actions, one a row: on narrow screens each row is a card. */
export function ActivityTable({ rows }: { readonly rows: readonly Activity[] }) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Time (UTC)</th>
          <th scope="col">Decision</th>
          <th scope="col">What</th>
          <th scope="col">Agent and session</th>
          <th scope="col">Then</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Row {...row} />
        ))}
      </tbody>
    </table>
  )
}

function Row({ asked, newest }: Activity) {
  return (
    <tr>
      <td class="time">
        <When at={asked.ts} />
      </td>
      <td>
        <Decision kind={asked.kind} />{' '}
        {asked.blast === null || asked.blast.level === 'low' ? null : (
          <Blast level={asked.blast.level} score={asked.blast.score} />
        )}
      </td>
      <td class="what">
        <a href={`/actions/${asked.env}`}>
          <Sentence of={asked.summary} />
        </a>
        <br />
        <span class="dim">
          <Tool name={asked.tool} />
        </span>
      </td>
      <td>
        <Said text={asked.agent} name="strict" brief={60} />
        <br />
        <a class="dim" href={sessionPath(asked.session)}>
          <Said text={labelOf(asked.session)} brief={60} />
        </a>
      </td>
      <td>
        {newest.n === asked.n ? null : <Decision kind={newest.kind} />}
        <Outcome entry={newest} />
      </td>
    </tr>
  )
}
