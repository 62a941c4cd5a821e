import { useMemo } from 'react'
import { useLatest } from '../stores'
import { compact, counted, DataTable, Delta, directionOf, Empty, fixed, Missing, Panel, percent, signedPercent, Sparkline, type Column } from '../ui'
import type { WatchlistRow } from '../wire/generated'
import { AgeOf, InstrumentName, Pnl } from './cells'
import { useChooseSymbol, useShown } from './chosen'

function Last({ row }: { row: WatchlistRow }) {
  if (row.last === null) return <Missing reason={row.reason ?? 'no trade yet'} />
  return (
    <Delta direction={row.direction}>
      <b className="last">{fixed(row.last, row.price_decimals)}</b>
    </Delta>
  )
}

function Change({ value, absent }: { value: number | null; absent: string }) {
  if (value === null) return <Missing reason={absent} />
  return <Delta direction={directionOf(Number(value.toFixed(2)))}>{signedPercent(value)}</Delta>
}

function Changes({ row }: { row: WatchlistRow }) {
  return (
    <span className="stack">
      <Change value={row.change_session_pct} absent={row.reason ?? 'no price yet'} />
      {row.change_24h_pct === null ? <span title="This venue sends no 24 h change.">24 h not sent</span> : <span>24 h {signedPercent(row.change_24h_pct)}</span>}
    </span>
  )
}

const COLUMNS: readonly Column<WatchlistRow>[] = [
  { id: 'symbol', title: 'Symbol', width: '128px', cell: (row) => <InstrumentName id={row.instrument} /> },
  { id: 'last', title: 'Last', width: '96px', cell: (row) => <Last row={row} /> },
  { id: 'change', title: 'Session / 24 h', width: '92px', cell: (row) => <Changes row={row} /> },
  { id: 'spark', title: 'Last minutes', width: '72px', hide: 'n', cell: (row) => <Sparkline values={row.sparkline} label={`${row.symbol} price`} /> },
  {
    id: 'market',
    title: 'Spread / volume',
    hint: 'Spread in percent of the mid price; volume traded since the session began, in the quote currency',
    width: '102px',
    align: 'right',
    hide: 's',
    cell: (row) => (
      <span className="stack">
        {row.spread_pct === null ? <Missing reason="no quotes" /> : <span>{percent(row.spread_pct, row.spread_pct < 0.001 ? 5 : 3)}</span>}
        <Volume row={row} />
      </span>
    ),
  },
  { id: 'age', title: 'Age', width: '66px', align: 'right', cell: (row) => <AgeOf us={row.recv_ts} absent="no data yet" /> },
  {
    id: 'position',
    title: 'Position',
    width: '110px',
    align: 'right',
    hide: 'l',
    cell: (row) => (row.position ? <Pnl amount={row.position.unrealized_pnl} /> : <span className="faint">flat</span>),
  },
]

const QUOTES = ['USDT', 'USDC', 'FDUSD', 'BUSD', 'TUSD', 'USD', 'EUR', 'BTC', 'ETH', 'BNB']

/** The quote currency by the symbol's end, as venues write it. */
export function quoteOf({ symbol }: Pick<WatchlistRow, 'symbol'>): string {
  const pair = symbol.split('-')[0] ?? symbol
  return QUOTES.find((quote) => pair.endsWith(quote)) ?? 'in quote units'
}

function Volume({ row }: { row: WatchlistRow }) {
  const day = row.volume_24h_quote
  const unit = quoteOf(row)
  const hint = `${compact(row.volume_session_quote)} ${unit} since the session began; ${day === null ? 'the venue sends no 24 h volume' : `${compact(day)} ${unit} in 24 h`}`
  return (
    <span title={hint}>
      {compact(row.volume_session_quote)} {unit}
    </span>
  )
}

export function WatchlistPanel() {
  const { isLoaded, rows } = useLatest('watchlist')
  const shown = useShown()
  const chooseSymbol = useChooseSymbol()
  const sorted = useMemo(() => [...rows].sort((a, b) => a.instrument.localeCompare(b.instrument)), [rows])
  return (
    <Panel title="Symbol Watchlist" testId="panel-watchlist" note={isLoaded ? counted(rows.length, 'symbol') : 'loading'}>
      {rows.length > 0 ? (
        <DataTable label="Watchlist" rows={sorted} columns={COLUMNS} keyOf={(row) => row.instrument} chosen={shown?.instrument ?? null} onChoose={(row) => chooseSymbol(row.instrument)} />
      ) : isLoaded ? (
        <Empty title="This session watches no symbol">Every chosen symbol is listed from the first moment. Look at the pre-flight checks.</Empty>
      ) : (
        <Empty title="Waiting for the first snapshot">The stream has not delivered the watchlist yet.</Empty>
      )}
    </Panel>
  )
}
