import { useEffect, type ReactNode } from 'react'
import {
  AlertBar,
  ChartPanel,
  ConditionsPanel,
  EquityPanel,
  FillsPanel,
  IndicatorsPanel,
  MachinesPanel,
  OrdersPanel,
  PipelinePanel,
  PositionsPanel,
  PreflightPanel,
  SignalsPanel,
  SimulatedBanner,
  StatusHero,
  TransitionsPanel,
  WatchlistPanel,
} from '../panels'
import { SessionContext, useEquity, useFollow, useOffline, useSessions, useSummary } from '../stores'
import { Boundary, signed } from '../ui'
import { Link } from '@tanstack/react-router'

const BOARD: readonly [string, string, () => ReactNode][] = [
  ['machines', 'State Machine Overview', MachinesPanel],
  ['watchlist', 'Symbol Watchlist', WatchlistPanel],
  ['chart', 'Chart', ChartPanel],
  ['conditions', 'Condition Progress', ConditionsPanel],
  ['indicators', 'Indicator Values', IndicatorsPanel],
  ['positions', 'Positions', PositionsPanel],
  ['signals', 'Signals', SignalsPanel],
  ['transitions', 'Transitions', TransitionsPanel],
  ['orders', 'Orders', OrdersPanel],
  ['fills', 'Fills', FillsPanel],
  ['equity', 'Equity', EquityPanel],
  ['pipeline', 'Pipeline', PipelinePanel],
  ['preflight', 'Pre-flight', PreflightPanel],
]

/** What there is to see of a session that only records. */
const RECORDING: readonly string[] = ['watchlist', 'chart', 'pipeline', 'preflight']

/** The window's title says how the session does, also from another tab. */
function Title() {
  const session = useSummary()
  const equity = useEquity()
  const isOffline = useOffline() !== null
  const pnl = equity ? signed(Number(equity.equity) - Number(equity.initial_capital), 2) : null
  useEffect(() => {
    document.title = isOffline ? 'connection lost · papertape' : session ? `${session.mode === 'RECORD' ? session.state : (pnl ?? session.state)} · ${session.mode} · papertape` : 'papertape'
  }, [session, pnl, isOffline])
  return null
}

function Banner() {
  return <SimulatedBanner session={useSummary()} />
}

/** Stands instead of the page when the desk has no such session, so that nobody waits for ever. */
function Unknown({ id }: { id: string }) {
  return (
    <div className="unknown" role="alert">
      <h1 className="visually-hidden">Unknown session</h1>
      <p className="field-error">
        This desk has no session {id}. Choose one from the <Link to="/sessions">list of sessions</Link>, or start a new one.
      </p>
    </div>
  )
}

/** What is happening now, and why (not)? */
export function SessionPage({ id }: { id: string }) {
  const session = useFollow(id)
  return (
    <SessionContext value={session}>
      <Known id={id} />
    </SessionContext>
  )
}

function Known({ id }: { id: string }) {
  const { isLoaded, byKey } = useSessions()
  const summary = useSummary()
  const isOffline = useOffline() !== null
  const isRecording = summary?.mode === 'RECORD'
  const panels = isRecording ? BOARD.filter(([area]) => RECORDING.includes(area)) : BOARD
  if (isLoaded && !byKey.has(id) && !summary) return <Unknown id={id} />
  return (
    <div className={`session ${isOffline ? 'is-offline' : ''}`} data-offline={isOffline}>
      <Title />
      <Banner />
      <AlertBar />
      <Boundary name="The status of the session">
        <StatusHero />
      </Boundary>
      <div className={`board ${isRecording ? 'is-recording' : ''}`}>
        {panels.map(([area, name, Content]) => (
          <div key={area} className={`a-${area}`}>
            <Boundary name={name}>
              <Content />
            </Boundary>
          </div>
        ))}
      </div>
    </div>
  )
}
