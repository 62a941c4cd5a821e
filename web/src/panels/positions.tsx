import { useMemo } from 'react'
import { attempt, command, useEquity, useFacts, useSession } from '../stores'
import { ArmedButton, Chip, DataTable, dateTime, Delta, directionOf, Empty, exact, Missing, Panel, signedPercent, type Column } from '../ui'
import type { OpenPosition, PositionChanged } from '../wire/generated'
import { Exact, InstrumentName, Pnl } from './cells'

/** An open position at its live mark, or a closed one as it ended. */
type Row = { key: string; at: number; open: OpenPosition | null; fact: PositionChanged | null }

export function CloseButton({ position }: { position: OpenPosition }) {
  const { sessionId } = useSession()
  const close = () => void attempt(`Closing ${position.instrument}`, () => command.closePosition(sessionId, position.instrument))
  return (
    <ArmedButton className="is-small" testId="close-position" confirm="Press again" onFire={close}>
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
  return <Exact text={row.fact?.exit_price ?? null} absent="no exit price" />
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
        <span>{row.open?.strategy ?? row.fact?.strategy}</span>
      </span>
    ),
  },
  { id: 'side', title: 'Side', width: '72px', cell: (row) => <Chip tone={side(row) === 'long' ? 'teal' : 'red'}>{side(row)}</Chip> },
  { id: 'result', title: 'P&L', width: '110px', cell: (row) => <Result row={row} /> },
  { id: 'quantity', title: 'Quantity', align: 'right', hide: 'm', cell: (row) => exact(row.open?.quantity ?? row.fact?.quantity ?? '0') },
  { id: 'entry', title: 'Entry', align: 'right', hide: 's', cell: (row) => exact(row.open?.entry_price ?? row.fact?.entry_price ?? '') },
  { id: 'mark', title: 'Mark / exit', align: 'right', hide: 's', cell: (row) => <Mark row={row} /> },
  { id: 'guard', title: 'Stop / target', width: '18%', align: 'right', hide: 'l', cell: (row) => <Guard row={row} /> },
  {
    id: 'close',
    title: 'State',
    width: '128px',
    align: 'right',
    cell: (row) => (row.open ? <CloseButton position={row.open} /> : <Closed row={row} />),
  },
]

function useRows(): { isLoaded: boolean; rows: Row[]; open: number } {
  const { isLoaded, items } = useFacts('positions')
  const equity = useEquity()
  return useMemo(() => {
    const open = (equity?.open_positions ?? []).map((one): Row => ({ key: one.position_id, at: one.opened_ts, open: one, fact: null }))
    const seen = new Set(open.map((row) => row.key))
    const rows: Row[] = [...open]
    for (const fact of items) {
      if (seen.has(fact.position_id)) continue
      seen.add(fact.position_id)
      if (fact.status === 'closed') rows.push({ key: fact.position_id, at: fact.closed_ts ?? fact.ts, open: null, fact })
    }
    return { isLoaded: isLoaded || equity !== null, rows, open: open.length }
  }, [items, equity, isLoaded])
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
