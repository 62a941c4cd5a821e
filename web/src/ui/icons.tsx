const PATHS = {
  sun: 'M8 4.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M8 1v1.6M8 13.4V15M1 8h1.6M13.4 8H15M3.1 3.1l1.1 1.1M11.8 11.8l1.1 1.1M3.1 12.9l1.1-1.1M11.8 4.2l1.1-1.1',
  moon: 'M13.5 9.7A5.9 5.9 0 0 1 6.3 2.5a5.9 5.9 0 1 0 7.2 7.2z',
  pause: 'M5 3v10M11 3v10',
  play: 'M4.5 2.8v10.4L13 8z',
  stop: 'M4 4h8v8H4z',
  plus: 'M8 3v10M3 8h10',
  close: 'M4 4l8 8M12 4l-8 8',
  download: 'M8 2v8M4.5 7 8 10.5 11.5 7M3 13.5h10',
  bolt: 'M9 1.5 3.5 9H8l-1 5.5L12.5 7H8z',
} as const

export function Icon({ name, size = 15 }: { name: keyof typeof PATHS; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  )
}

/** The product's mark: a strip of punched tape. */
export function Mark({ size = 22 }: { size?: number }) {
  const holes: [number, number, number][] = [
    [5, 6.5, 1.7], [10, 6.5, 1.7], [20, 6.5, 1.7], [5, 13.5, 1.7], [15, 13.5, 1.7], [20, 13.5, 1.7],
    [5, 10, 0.9], [10, 10, 0.9], [15, 10, 0.9], [20, 10, 0.9],
  ]
  return (
    <svg width={size * 1.25} height={size} viewBox="0 0 25 20" aria-hidden="true">
      <rect y="2" width="25" height="16" rx="3" fill="var(--accent)" />
      {holes.map(([x, y, r]) => (
        <circle key={`${x}-${y}`} cx={x} cy={y} r={r} fill="var(--ground)" />
      ))}
    </svg>
  )
}
