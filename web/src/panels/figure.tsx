import type { ReactNode } from 'react'

/** A named value in a `dl`. */
export function Figure({ name, hint, children }: { name: string; hint?: string; children: ReactNode }) {
  return (
    <div title={hint}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
