import { useIsFinal, useLatest, useNaming, useServerNow, type SectionCode, type StateCode } from '../stores'
import { Age, Chip, clockTime, computed, Delta, directionOf, exact, Missing, signed } from '../ui'
import type { ConditionReading, WatchlistRow } from '../wire/generated'
import { SECTION_TONE, STATE_TONE } from './tones'

export function StateChip({ state }: { state: StateCode }) {
  return (
    <Chip tone={STATE_TONE[state]} state={state} hasDot title={state}>
      {useNaming().state(state)}
    </Chip>
  )
}

export function SectionChip({ section }: { section: SectionCode }) {
  return (
    <Chip tone={SECTION_TONE[section]} title={section}>
      {useNaming().section(section)}
    </Chip>
  )
}

/** The age of something our own clock stamped, in microseconds. */
export function AgeOf({ us, absent, prefix }: { us: number | null; absent: string; prefix?: string }) {
  const now = useServerNow()
  const isFinal = useIsFinal()
  if (us === null) return <Missing reason={absent} />
  if (isFinal) return <span className="age" title={`newest at ${clockTime(us)}; the session has ended`}>final</span>
  return <Age seconds={Math.max(0, (now - us) / 1e6)} prefix={prefix} />
}

/** `BTCUSDT-PERP.BINANCE` as its symbol, with the rest quiet. */
export function InstrumentName({ id }: { id: string }) {
  const [symbol = id] = id.split('.')
  const [pair, kind] = symbol.split('-')
  return (
    <span className="instrument" title={id}>
      {pair}
      {kind && <span className="faint"> {kind.toLowerCase()}</span>}
    </span>
  )
}

export function useWatch(instrument: string): WatchlistRow | undefined {
  const view = useLatest('watchlist')
  return view.byKey.get(instrument) ?? view.rows.find((row) => row.instrument === instrument)
}

/** Money with its sign, arrow and colour, from an exact text. */
export function Pnl({ amount, currency }: { amount: string; currency?: string }) {
  const value = Number(amount)
  return (
    <Delta direction={directionOf(value)}>
      {signed(value, 2)}
      {currency && ` ${currency}`}
    </Delta>
  )
}

export function Exact({ text, absent }: { text: string | null; absent: string }) {
  return text === null ? <Missing reason={absent} /> : <span>{exact(text)}</span>
}

/** A computed price, its exact text in the tooltip. */
export function Averaged({ text, absent }: { text: string | null; absent: string }) {
  return text === null ? <Missing reason={absent} /> : <span title={exact(text)}>{computed(text)}</span>
}

export function At({ us }: { us: number }) {
  return (
    <time dateTime={new Date(us / 1000).toISOString()} title={new Date(us / 1000).toISOString()}>
      {clockTime(us)}
    </time>
  )
}

const OPERATORS: Record<string, string> = { '>=': '≥', '<=': '≤', crosses_above: 'crosses above', crosses_below: 'crosses below' }

export function operatorSign(operator: string): string {
  return OPERATORS[operator] ?? operator
}

const HOLDS: Record<string, (value: number, threshold: number) => boolean> = {
  '>': (value, threshold) => value > threshold,
  '>=': (value, threshold) => value >= threshold,
  '<': (value, threshold) => value < threshold,
  '<=': (value, threshold) => value <= threshold,
}

/** Seconds since a condition was true, where its answer still is but its present value is not; null otherwise. */
export function metBeforeS(reading: ConditionReading, ts: number): number | null {
  if (reading.answer !== 'true' || reading.last_true_ts === null || reading.last_true_ts >= ts) return null
  const { value, threshold } = reading
  const isNow = value !== null && threshold !== null && HOLDS[reading.operator]?.(value, threshold)
  return isNow ? null : (ts - reading.last_true_ts) / 1e6
}

/** The distance of an undecided condition has no number; its reason stands there. */
export function whyUndecided(reading: ConditionReading): string {
  return reading.reason ?? 'the engine gave no reason'
}
