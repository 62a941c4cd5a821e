import { useEffect, useRef, useState } from 'react'
import { useFacts, useLatest, useNaming, usePreferences, useSession } from '../stores'
import { Empty, Icon, Panel, Segments } from '../ui'
import { InstrumentName, useWatch } from './cells'
import { useChooseSymbol, useShown } from './chosen'
import { TransitionDetail } from './transitions'

const INTERVALS = [
  { value: 1, label: '1 s' },
  { value: 5, label: '5 s' },
  { value: 15, label: '15 s' },
  { value: 60, label: '1 min' },
  { value: 300, label: '5 min' },
] as const

interface CanvasProps {
  instrument: string
  strategy: string
  decimals: number
  intervalS: number
  onMarker: (seq: number) => void
}

/** React's part of the chart: a box, and the feed that draws into it. */
function Canvas({ instrument, strategy, decimals, intervalS, onMarker }: CanvasProps) {
  const box = useRef<HTMLDivElement>(null)
  const session = useSession()
  const naming = useNaming()
  const [history, setHistory] = useState<{ bars: number; error: string | null } | null>(null)
  useEffect(() => {
    let feed: { destroy(): void } | null = null
    let isGone = false
    void import('./chart_feed').then(({ ChartFeed }) => {
      if (isGone || !box.current) return
      const events = { onMarker, onHistory: (bars: number, error: string | null) => setHistory({ bars, error }) }
      feed = new ChartFeed(box.current, session, { instrument, strategy, intervalS, decimals }, naming, events)
    })
    return () => {
      isGone = true
      feed?.destroy()
    }
  }, [session, instrument, strategy, intervalS, decimals, naming, onMarker])
  return (
    <>
      <div className="chart-box" ref={box} role="group" aria-label={`Candles of ${instrument}`} data-bars={history?.bars ?? 0} />
      {history?.error && <p className="chart-error is-down">The history of this chart could not be read: {history.error}</p>}
      {history && history.bars === 0 && !history.error && (
        <div className="chart-empty">
          <Empty title="No bar yet">Candles are built from trades; the first one appears with the first trade.</Empty>
        </div>
      )}
    </>
  )
}

function MarkerDetail({ seq, onClose }: { seq: number; onClose: () => void }) {
  const fact = useFacts('transitions').items.find((one) => one.seq === seq)
  if (!fact) return null
  return (
    <div className="chart-detail">
      <button type="button" className="quiet-button" aria-label="Close the trace" onClick={onClose}>
        <Icon name="close" size={12} />
      </button>
      <TransitionDetail row={fact} />
    </div>
  )
}

function SymbolSwitch({ instrument }: { instrument: string }) {
  const instances = useLatest('instances').rows
  const symbols = useLatest('watchlist').rows
  const chooseSymbol = useChooseSymbol()
  const instruments = [...new Set((instances.length > 0 ? instances : symbols).map((one) => one.instrument))].sort()
  return (
    <select className="quiet-input" title={instrument} aria-label="Symbol of the chart" value={instrument} onChange={(event) => chooseSymbol(event.target.value)}>
      {instruments.map((id) => (
        <option key={id} value={id}>
          {id.split('.')[0]}
        </option>
      ))}
    </select>
  )
}

export function ChartPanel() {
  const shown = useShown()
  const intervalS = usePreferences((now) => now.chartInterval)
  const setInterval = usePreferences((now) => now.setChartInterval)
  const [marker, setMarker] = useState<number | null>(null)
  const instrument = shown?.instrument ?? ''
  const decimals = useWatch(instrument)?.price_decimals ?? null
  const tools = shown && (
    <>
      <SymbolSwitch instrument={instrument} />
      <Segments label="Interval" value={intervalS} options={INTERVALS} onChange={setInterval} />
    </>
  )
  return (
    <Panel title="Chart" testId="panel-chart" note={shown && <InstrumentName id={instrument} />} tools={tools}>
      {shown && decimals !== null ? (
        <div className="chart">
          <Canvas instrument={instrument} strategy={shown.strategy} decimals={decimals} intervalS={intervalS} onMarker={setMarker} />
          {marker !== null && <MarkerDetail seq={marker} onClose={() => setMarker(null)} />}
        </div>
      ) : (
        <Empty title="Nothing is chosen">Choose a row in the State Machine Overview or the watchlist.</Empty>
      )}
    </Panel>
  )
}
