import { useId, type ReactNode } from 'react'
import { span } from './format'

export type Tone = 'slate' | 'amber' | 'blue' | 'violet' | 'teal' | 'red'

interface PanelProps {
  title: string
  testId: string
  note?: ReactNode
  tools?: ReactNode
  isPadded?: boolean
  className?: string
  children: ReactNode
}

export function Panel({ title, testId, note, tools, isPadded, className, children }: PanelProps) {
  const id = useId()
  return (
    <section className={`panel ${className ?? ''}`} aria-labelledby={id} data-testid={testId}>
      <header className="panel-head">
        <h2 className="panel-title" id={id}>
          {title}
        </h2>
        {note !== undefined && <span className="panel-note">{note}</span>}
        {tools !== undefined && <div className="panel-tools">{tools}</div>}
      </header>
      <div className={`panel-body ${isPadded ? 'is-padded' : ''}`} tabIndex={0} role="group" aria-labelledby={id}>
        {children}
      </div>
    </section>
  )
}

/** What is missing, and what to do about it. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <strong>{title}</strong>
      {children !== undefined && <p>{children}</p>}
    </div>
  )
}

/** Stands where a value would: the reason why there is none. */
export function Missing({ reason }: { reason: string }) {
  return (
    <span className="missing" title={reason}>
      {reason}
    </span>
  )
}

interface ChipProps {
  tone: Tone
  children: ReactNode
  hasDot?: boolean
  state?: string
  title?: string
}

export function Chip({ tone, children, hasDot, state, title }: ChipProps) {
  return (
    <span className={`chip tone-${tone}`} data-state={state} title={title}>
      {hasDot && <span className="chip-dot" />}
      {children}
    </span>
  )
}

/** Progress in percent. */
export function Meter({ value, tone, label }: { value: number; tone: Tone; label: string }) {
  const share = Math.max(0, Math.min(100, value))
  return (
    <span
      className={`meter tone-${tone}`}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(share)}
    >
      <span style={{ transform: `scaleX(${share / 100})` }} />
    </span>
  )
}

export type Direction = 'up' | 'down' | 'flat'

export function Arrow({ direction, size = 8 }: { direction: Direction; size?: number }) {
  const shape = direction === 'up' ? 'M4 1 7.5 7h-7z' : direction === 'down' ? 'M4 7 .5 1h7z' : 'M4 2a2 2 0 1 0 0 4 2 2 0 0 0 0-4'
  return (
    <svg width={size} height={size} viewBox="0 0 8 8" aria-hidden="true">
      <path d={shape} fill="currentColor" />
    </svg>
  )
}

/** A value with its direction: an arrow and a colour, never a colour alone. */
export function Delta({ direction, children }: { direction: Direction; children: ReactNode }) {
  return (
    <span className={`delta is-${direction}`}>
      <Arrow direction={direction} />
      <span className="visually-hidden">{direction}</span>
      {children}
    </span>
  )
}

export function directionOf(value: number): Direction {
  return value > 0 ? 'up' : value < 0 ? 'down' : 'flat'
}

/** How old something is; amber from 5 s, red from 15 s. */
export function Age({ seconds, prefix = '' }: { seconds: number; prefix?: string }) {
  const level = seconds >= 15 ? 'is-old' : seconds >= 5 ? 'is-stale' : 'is-fresh'
  const word = seconds >= 5 ? 'stale ' : ''
  return (
    <span className={`age ${level}`} data-age={Math.floor(seconds)}>
      {prefix}
      {word}
      {seconds < 1 ? 'now' : span(seconds)}
    </span>
  )
}

interface SegmentsProps<V extends string | number> {
  label: string
  value: V
  options: readonly { value: V; label: ReactNode; title?: string }[]
  onChange: (value: V) => void
}

export function Segments<V extends string | number>({ label, value, options, onChange }: SegmentsProps<V>) {
  return (
    <div className="segments" role="group" aria-label={label}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          className="quiet-button"
          aria-pressed={option.value === value}
          title={option.title}
          onClick={() => onChange(option.value)}
        >
          {option.label}
        </button>
      ))}
    </div>
  )
}
