import { useMemo } from 'react'
import { attempt, command, useEquity, useFacts, useOffline, useSession } from '../stores'
import { ArmedButton, Chip, DataTable, dateTime, Delta, directionOf, Empty, exact, Missing, Panel, signedPercent, type Column } from '../ui'
import type { OpenPosition, OrderFilled, PositionChanged } from '../wire/generated'
import { Averaged, Exact, InstrumentName, Pnl } from './cells'

/** An open position at its live mark, or a closed one as it ended. */
interface Row {
  key: string
  at: number
  open: OpenPosition | null
  fact: PositionChanged | null
  /** What was bought or sold to open it; null where those fills are not known here. */
  quantity: string | null
}

/** The quantity of a position that is no more: what its entries filled. */
export function entryQuantity(fact: PositionChanged, fills: readonly OrderFilled[]): string | null {
  const isOwn = (fill: OrderFilled) => fill.strategy === fact.strategy && fill.instrument === fact.instrument && fill.purpose === 'entry'
  const own = fills.filter((fill) => isOwn(fill) && fill.ts >= fact.opened_ts && fill.ts <= (fact.closed_ts ?? Infinity))
  if (own.length === 0) return null
  if (own.length === 1) return own[0]?.quantity ?? null
  const decimals = Math.max(...own.map((fill) => fill.quantity.split('.')[1]?.length ?? 0))
  return own.reduce((sum, fill) => sum + Number(fill.quantity), 0).toFixed(decimals)
}

export function CloseButton({ position }: { position: OpenPosition }) {
  const { sessionId } = useSession()
  const offline = useOffline()
  const close = () => void attempt(`Closing ${position.instrument}`, () => command.closePosition(sessionId, position.instrument))
  return (
    <ArmedButton className="is-small" testId="close-position" confirm="Close now? Press again" disabled={offline !== null} title={offline ?? `Close ${position.instrument} at the market`} onFire={close}>
      Close
    </ArmedButton>
  )
}

const side = (row: Row) => row.open?.side ?? row.fact?.side ?? 'long'

function Result({ row }: { row: Row }) {
  if (row.open) {
    return (
      <span className="stack">
        <Pnl amount={row.open.unrealized_pnl} />
        <Delta direction={directionOf(row.open.unrealized_pnl_pct)}>{signedPercent(row.open.unrealized_pnl_pct)}</Delta>
      </span>
    )
  }
  return row.fact ? <Pnl amount={row.fact.realized_pnl} /> : null
}

function Mark({ row }: { row: Row }) {
  if (row.open) return <Exact text={row.open.mark_price} absent="no quote" />
  return <Averaged text={row.fact?.exit_price ?? null} absent="no exit price" />
}

function Quantity({ row }: { row: Row }) {
  if (row.quantity === null) return <Missing reason="closed" />
  return <span title={row.open ? undefined : 'what it was opened with'}>{exact(row.quantity)}</span>
}

function Guard({ row }: { row: Row }) {
  const stop = row.open?.stop_price ?? row.fact?.stop_price
  const target = row.open?.target_price ?? row.fact?.target_price
  if (!stop && !target) return <Missing reason="none placed" />
  return <span title="stop / target">{stop ? exact(stop) : 'no stop'} / {target ? exact(target) : 'no target'}</span>
}

function Closed({ row }: { row: Row }) {
  return (
    <span className="stack" title={`${row.fact?.reason} ${dateTime(row.at)}`}>
      <span className="dim">closed</span>
      <span>{row.fact?.reason}</span>
    </span>
  )
}

const COLUMNS: readonly Column<Row>[] = [
  {
    id: 'instrument',
    title: 'Position',
    width: '20%',
    cell: (row) => (
      <span className="stack">
        <b className="medium"><InstrumentName id={row.open?.instrument ?? row.fact?.instrument ?? ''} /></b>
        <span>
          <span className="only-s">{side(row)}, </span>
          {row.open?.strategy ?? row.fact?.strategy}
        </span>
      </span>
    ),
  },
  { id: 'side', title: 'Side', width: '72px', hide: 's', cell: (row) => <Chip tone={side(row) === 'long' ? 'teal' : 'red'}>{side(row)}</Chip> },
  { id: 'result', title: 'P&L', width: '110px', cell: (row) => <Result row={row} /> },
  { id: 'quantity', title: 'Quantity', align: 'right', hide: 'm', cell: (row) => <Quantity row={row} /> },
  { id: 'entry', title: 'Entry', align: 'right', hide: 's', cell: (row) => <Averaged text={row.open?.entry_price ?? row.fact?.entry_price ?? null} absent="no entry" /> },
  { id: 'mark', title: 'Mark / exit', align: 'right', hide: 's', cell: (row) => <Mark row={row} /> },
  { id: 'guard', title: 'Stop / target', width: '18%', align: 'right', hide: 'l', cell: (row) => <Guard row={row} /> },
  {
    id: 'close',
    title: 'State',
    width: '172px',
    align: 'right',
    cell: (row) => (row.open ? <CloseButton position={row.open} /> : <Closed row={row} />),
  },
]

function useRows(): { isLoaded: boolean; rows: Row[]; open: number } {
  const { isLoaded, items } = useFacts('positions')
  const fills = useFacts('fills').items
  const equity = useEquity()
  return useMemo(() => {
    const open = (equity?.open_positions ?? []).map((one): Row => ({ key: one.position_id, at: one.opened_ts, open: one, fact: null, quantity: one.quantity }))
    const seen = new Set(open.map((row) => row.key))
    const rows: Row[] = [...open]
    for (const fact of items) {
      if (seen.has(fact.position_id)) continue
      seen.add(fact.position_id)
      if (fact.status === 'closed') rows.push({ key: fact.position_id, at: fact.closed_ts ?? fact.ts, open: null, fact, quantity: entryQuantity(fact, fills) })
    }
    return { isLoaded: isLoaded || equity !== null, rows, open: open.length }
  }, [items, fills, equity, isLoaded])
}

export function PositionsPanel() {
  const { isLoaded, rows, open } = useRows()
  return (
    <Panel title="Positions" testId="panel-positions" note={isLoaded ? `${open} open, ${rows.length - open} closed` : 'loading'}>
      {rows.length > 0 ? (
        <DataTable label="Positions" rows={rows} columns={COLUMNS} keyOf={(row) => row.key} />
      ) : isLoaded ? (
        <Empty title="No position yet">A position opens with the first fill of an entry, marked at the price it would close at.</Empty>
      ) : (
        <Empty title="Waiting for the first snapshot">The stream has not delivered the positions yet.</Empty>
      )}
    </Panel>
  )
}
