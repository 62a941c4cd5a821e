import { memo } from 'react'

const WIDTH = 72
const HEIGHT = 20

/** The points of a line through `values`, scaled to fill `width` × `height`. */
export function sparkPath(values: readonly number[], width: number, height: number): string {
  let low = Infinity
  let high = -Infinity
  for (const value of values) {
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  const range = high - low || 1
  const step = width / Math.max(1, values.length - 1)
  const y = (value: number) => (high === low ? height / 2 : height - ((value - low) / range) * height)
  return values.map((value, i) => `${i === 0 ? 'M' : 'L'}${(i * step).toFixed(1)} ${y(value).toFixed(1)}`).join('')
}

export const Sparkline = memo(function Sparkline({ values, label }: { values: readonly number[]; label: string }) {
  if (values.length < 2) return <span className="missing">collecting</span>
  const rises = (values.at(-1) ?? 0) >= (values[0] ?? 0)
  return (
    <svg
      className={`spark ${rises ? 'is-up' : 'is-down'}`}
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 -1 ${WIDTH} ${HEIGHT + 2}`}
      role="img"
      aria-label={`${label}, ${rises ? 'higher' : 'lower'} than where it begins`}
    >
      <path d={sparkPath(values, WIDTH, HEIGHT)} />
    </svg>
  )
})
