import { useEffect, useRef, useState } from 'react'
import { useEquity, useSession, useSummary } from '../stores'
import { Empty, fixed, Panel, percent } from '../ui'

function Canvas({ capital }: { capital: number }) {
  const box = useRef<HTMLDivElement>(null)
  const session = useSession()
  const [error, setError] = useState<string | null>(null)
  useEffect(() => {
    let feed: { destroy(): void } | null = null
    let isGone = false
    void import('./equity_feed').then(({ EquityFeed }) => {
      if (!isGone && box.current) feed = new EquityFeed(box.current, session, capital, setError)
    })
    return () => {
      isGone = true
      feed?.destroy()
    }
  }, [session, capital])
  return (
    <div className="chart">
      <div className="chart-box" ref={box} role="group" aria-label="Equity of this session over time" />
      {error && <p className="chart-error is-down">The history of equity could not be read: {error}</p>}
    </div>
  )
}

export function EquityPanel() {
  const equity = useEquity()
  const summary = useSummary()
  const capital = equity?.initial_capital ?? summary?.capital ?? null
  const note = equity && `${fixed(Number(equity.equity), 2)} ${equity.currency}, drawdown ${percent(Math.abs(equity.drawdown_pct))}`
  return (
    <Panel title="Equity" testId="panel-equity" note={note}>
      {capital !== null ? <Canvas capital={Number(capital)} /> : <Empty title="No account yet">The account appears with the session's first moment.</Empty>}
    </Panel>
  )
}
