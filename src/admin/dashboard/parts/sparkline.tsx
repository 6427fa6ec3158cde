const WIDTH = 120
const HEIGHT = 20

/** How much happened when, as small columns; what it shows is said beside it in numbers. */
export function Sparkline({ counts }: { readonly counts: readonly number[] }) {
  const highest = Math.max(1, ...counts)
  const step = WIDTH / Math.max(1, counts.length)
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      {counts.map((count, index) => {
        const height = count === 0 ? 1 : Math.max(3, (HEIGHT * count) / highest)
        return <rect x={index * step} y={HEIGHT - height} width={Math.max(1, step - 1)} height={height} />
      })}
    </svg>
  )
}
