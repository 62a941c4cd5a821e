import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { LIFECYCLE_TONE, Pnl } from '../panels'
import { useSessions } from '../stores'
import { Chip, DataTable, dateTime, Empty, fixed, Missing, Panel, type Column } from '../ui'
import type { SessionView } from '../wire/generated'

const list = (names: readonly string[]) => names.join(', ')

const COLUMNS: readonly Column<SessionView>[] = [
  {
    id: 'session',
    title: 'Session',
    width: '232px',
    cell: (row) => (
      <Link to="/sessions/$id" params={{ id: row.session_id }} className="mono session-link">
        {row.session_id}
      </Link>
    ),
  },
  { id: 'state', title: 'State', width: '100px', cell: (row) => <Chip tone={LIFECYCLE_TONE[row.state]} state={row.state} hasDot>{row.state}</Chip> },
  { id: 'created', title: 'Created', width: '176px', hide: 'l', cell: (row) => dateTime(row.created_ts) },
  { id: 'mode', title: 'Mode and feed', width: '142px', hide: 'x', cell: (row) => `${row.mode} on ${row.feed}` },
  { id: 'strategies', title: 'Strategies', width: '11%', hide: 'm', cell: (row) => <span title={list(row.strategies)}>{list(row.strategies)}</span> },
  { id: 'symbols', title: 'Symbols', width: '11%', hide: 'x', cell: (row) => <span title={list(row.instruments)}>{list(row.instruments.map((id) => id.split('.')[0] ?? id))}</span> },
  { id: 'equity', title: 'Equity', width: '96px', align: 'right', hide: 'x', cell: (row) => (row.equity === null ? <Missing reason="no account" /> : fixed(Number(row.equity), 2)) },
  { id: 'pnl', title: 'P&L', width: '130px', align: 'right', cell: (row) => (row.pnl === null ? <Missing reason="no account" /> : <Pnl amount={row.pnl} currency={row.currency} />) },
  { id: 'headline', title: 'What happened', hide: 'm', cell: (row) => <span className="wrap-2 small" title={`${row.headline} ${row.reason}`.trim()}>{row.headline || row.reason}</span> },
]

export function SessionsPage() {
  const { isLoaded, rows } = useSessions()
  const sorted = useMemo(() => [...rows].sort((a, b) => b.created_ts - a.created_ts), [rows])
  return (
    <div className="page-panel" data-testid="sessions-page">
      <h1 className="visually-hidden">Sessions</h1>
      <Panel title="Sessions" testId="panel-sessions" note={isLoaded ? `${rows.length}, newest first` : 'loading'}>
        {rows.length > 0 ? (
          <DataTable label="Sessions" rows={sorted} columns={COLUMNS} keyOf={(row) => row.session_id} />
        ) : isLoaded ? (
          <Empty title="No session yet">Start one with the button above.</Empty>
        ) : (
          <Empty title="Waiting for the list">The stream has not delivered it yet; see the connection badge.</Empty>
        )}
      </Panel>
    </div>
  )
}
