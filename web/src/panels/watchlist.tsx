import { useMemo } from 'react'
import { useLatest, useSelection, useSession } from '../stores'
import { compact, DataTable, Delta, directionOf, Empty, fixed, Missing, Panel, percent, signedPercent, Sparkline, type Column } from '../ui'
import type { WatchlistRow } from '../wire/generated'
import { AgeOf, InstrumentName, Pnl } from './cells'
import { useChosen } from './chosen'

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

const COLUMNS: readonly Column<WatchlistRow>[] = [
  { id: 'symbol', title: 'Symbol', width: '128px', cell: (row) => <InstrumentName id={row.instrument} /> },
  { id: 'last', title: 'Last', width: '108px', cell: (row) => <Last row={row} /> },
  { id: 'session', title: 'Session', width: '86px', cell: (row) => <Change value={row.change_session_pct} absent={row.reason ?? 'no price yet'} /> },
  { id: 'day', title: '24 h', width: '86px', hide: 'l', cell: (row) => <Change value={row.change_24h_pct} absent="not sent by this venue" /> },
  { id: 'spark', title: 'Last minutes', width: '88px', hide: 's', cell: (row) => <Sparkline values={row.sparkline} label={`${row.symbol} price`} /> },
  {
    id: 'spread',
    title: 'Spread',
    width: '76px',
    align: 'right',
    hide: 'm',
    cell: (row) => (row.spread_pct === null ? <Missing reason="no quotes" /> : percent(row.spread_pct, 3)),
  },
  { id: 'volume', title: 'Volume', width: '78px', align: 'right', hide: 'l', cell: (row) => <Volume row={row} /> },
  { id: 'age', title: 'Age', width: '72px', align: 'right', cell: (row) => <AgeOf us={row.recv_ts} absent="no data yet" /> },
  {
    id: 'position',
    title: 'Position',
    width: '110px',
    align: 'right',
    hide: 'l',
    cell: (row) => (row.position ? <Pnl amount={row.position.unrealized_pnl} /> : <span className="faint">flat</span>),
  },
]

function Volume({ row }: { row: WatchlistRow }) {
  const day = row.volume_24h_quote
  return <span title={day === null ? 'this session; the venue sends no 24 h volume' : `24 h: ${compact(day)}`}>{compact(row.volume_session_quote)}</span>
}

export function WatchlistPanel() {
  const { isLoaded, rows } = useLatest('watchlist')
  const instances = useLatest('instances').rows
  const { sessionId } = useSession()
  const chosen = useChosen()
  const choose = useSelection((now) => now.choose)
  const sorted = useMemo(() => [...rows].sort((a, b) => a.instrument.localeCompare(b.instrument)), [rows])
  const chooseSymbol = (row: WatchlistRow) => {
    const instance = instances.find((one) => one.instrument === row.instrument && one.strategy === chosen?.strategy)
    const any = instance ?? instances.find((one) => one.instrument === row.instrument)
    if (any) choose(sessionId, any.key)
  }
  return (
    <Panel title="Symbol Watchlist" testId="panel-watchlist" note={isLoaded ? `${rows.length} symbols` : 'loading'}>
      {rows.length > 0 ? (
        <DataTable label="Watchlist" rows={sorted} columns={COLUMNS} keyOf={(row) => row.instrument} chosen={chosen?.instrument ?? null} onChoose={chooseSymbol} />
      ) : isLoaded ? (
        <Empty title="This session watches no symbol">Every chosen symbol is listed from the first moment. Look at the pre-flight checks.</Empty>
      ) : (
        <Empty title="Waiting for the first snapshot">The stream has not delivered the watchlist yet.</Empty>
      )}
    </Panel>
  )
}
