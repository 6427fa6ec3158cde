/** What stands on one another in a column, from the ground up. */
const KINDS = ['allow', 'rewrite', 'review', 'block'] as const
const WORDS = { allow: 'allowed', rewrite: 'rewritten', review: 'reviewed', block: 'blocked' } as const

export type Counts = Readonly<Record<(typeof KINDS)[number], number>>

export interface Column {
  /** RFC 3339. */
  readonly from: string
  readonly label: string
  readonly counts: Counts
}

const HEIGHT = 96
const STEP = 20
const GAP = 4

/** Decisions over time as stacked columns, drawn here and not by a script; the same numbers as a table for who cannot see them. */
export function DecisionColumns({ columns, title }: { readonly columns: readonly Column[]; readonly title: string }) {
  const sums = columns.map(({ counts }) => KINDS.reduce((sum, kind) => sum + counts[kind], 0))
  const highest = Math.max(1, ...sums)
  const width = Math.max(1, columns.length) * STEP
  return (
    <figure class="chart">
      <figcaption>
        {title} <Legend />
      </figcaption>
      <svg viewBox={`0 0 ${width} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true" focusable="false">
        {columns.map((column, index) => (
          <Stack column={column} x={index * STEP + GAP / 2} scale={(HEIGHT - 2) / highest} />
        ))}
        <line class="ground" x1="0" x2={width} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
      </svg>
      <p class="axis dim" aria-hidden="true">
        <span>{columns[0]?.label}</span>
        <span>most: {highest}</span>
        <span>{columns.at(-1)?.label}</span>
      </p>
      <ColumnsTable columns={columns} title={title} />
    </figure>
  )
}

function Stack({ column, x, scale }: { readonly column: Column; readonly x: number; readonly scale: number }) {
  let y = HEIGHT - 1
  return (
    <g>
      <title>
        {column.label}: {KINDS.map((kind) => `${column.counts[kind]} ${WORDS[kind]}`).join(', ')}
      </title>
      {KINDS.map((kind) => {
        const height = column.counts[kind] * scale
        y -= height
        return height === 0 ? null : (
          <rect class={`f-${kind}`} x={x} y={round(y)} width={STEP - GAP} height={round(height)} />
        )
      })}
    </g>
  )
}

function Legend() {
  return (
    <span class="legend" aria-hidden="true">
      {KINDS.map((kind) => (
        <span class={`key c-${kind}`}>{WORDS[kind]}</span>
      ))}
    </span>
  )
}

function ColumnsTable({ columns, title }: { readonly columns: readonly Column[]; readonly title: string }) {
  return (
    <details class="numbers">
      <summary>As a table</summary>
      <table>
        <caption class="unseen">{title}</caption>
        <thead>
          <tr>
            <th scope="col">From</th>
            {KINDS.map((kind) => (
              <th scope="col" class="num">
                {WORDS[kind]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {columns.map(({ label, counts }) => (
            <tr>
              <th scope="row">{label}</th>
              {KINDS.map((kind) => (
                <td class="num">{counts[kind]}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
