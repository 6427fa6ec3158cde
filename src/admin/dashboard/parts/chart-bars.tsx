import { Said } from './said.tsx'

export interface Bar {
  readonly name: string
  readonly count: number
}

/** Names with their counts as bars; a table, so that it reads aloud as one. */
export function Bars({
  bars,
  title,
  empty,
}: {
  readonly bars: readonly Bar[]
  readonly title: string
  readonly empty: string
}) {
  const highest = Math.max(1, ...bars.map(({ count }) => count))
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      {bars.length === 0 ? (
        <p class="dim">{empty}</p>
      ) : (
        <table class="bars">
          <caption class="unseen">{title}</caption>
          <thead class="unseen">
            <tr>
              <th scope="col">Tool</th>
              <th scope="col">Times</th>
            </tr>
          </thead>
          <tbody>
            {bars.map(({ name, count }) => (
              <tr>
                <th scope="row">
                  <Said text={name} name="strict" brief={80} />
                </th>
                <td>
                  <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                    <rect class="f-block" x="0" y="0" width={Math.max(1, (100 * count) / highest)} height="8" />
                  </svg>
                  <span class="num">{count}</span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </figure>
  )
}
