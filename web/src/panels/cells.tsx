import { useLatest, useNaming, useServerNow, type SectionCode, type StateCode } from '../stores'
import { Age, Chip, clockTime, Delta, directionOf, exact, Missing, signed } from '../ui'
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
  if (us === null) return <Missing reason={absent} />
  return <Age seconds={Math.max(0, (now - us) / 1e6)} prefix={prefix} />
}

/** `BTCUSDT-PERP.BINANCE` as its symbol, with the rest quiet. */
export function InstrumentName({ id }: { id: string }) {
  const [symbol = id] = id.split('.')
  const [pair, kind] = symbol.split('-')
  return (
    <span title={id}>
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

/** The distance of an undecided condition has no number; its reason stands there. */
export function whyUndecided(reading: ConditionReading): string {
  return reading.reason ?? 'the engine gave no reason'
}
