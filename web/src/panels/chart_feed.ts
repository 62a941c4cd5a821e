import {
  CandlestickSeries,
  createChart,
  createSeriesMarkers,
  LineStyle,
  type IChartApi,
  type IPriceLine,
  type ISeriesApi,
  type ISeriesMarkersPluginApi,
  type SeriesMarker,
  type Time,
  type UTCTimestamp,
} from 'lightweight-charts'
import { ask, type Naming, type SessionStores } from '../stores'
import type { PositionSide } from '../wire/generated'
import { CandleBuilder, type Candle } from './candles'
import { clearPrice, isDecision, sideAt, signsOf, withRoom, type Sign } from './chart_markers'
import { chartOptions, cssColor, onThemeChange } from './chart_theme'

export interface ChartSubject {
  instrument: string
  strategy: string
  intervalS: number
  decimals: number
}

export interface ChartEvents {
  onMarker(seq: number): void
  /** What the history said: how many bars, or why there are none. */
  onHistory(bars: number, error: string | null): void
}

const MARKERS = 300
const REFRESH_MS = 60_000
const DRAW_MS = 250

/** Draws one instrument. It reads the stores itself, so that a price never passes through React. */
export class ChartFeed {
  private readonly chart: IChartApi
  private readonly series: ISeriesApi<'Candlestick'>
  private readonly markers: ISeriesMarkersPluginApi<Time>
  private readonly releases: (() => void)[] = []
  private candles: CandleBuilder
  private lines: IPriceLine[] = []
  private drawnLines = ''
  /** What is drawn, oldest first. */
  private drawnCandles: Candle[] = []
  private signs: Sign[] = []
  private placing: number | null = null
  private isReady = false
  private isStarting = false
  private pending: Candle | null = null
  private drawing: number | null = null
  private readonly abort = new AbortController()

  constructor(
    host: HTMLElement,
    private readonly session: SessionStores,
    private readonly subject: ChartSubject,
    private readonly naming: Naming,
    private readonly events: ChartEvents,
  ) {
    this.candles = new CandleBuilder(subject.intervalS)
    this.chart = createChart(host, chartOptions())
    this.series = this.chart.addSeries(CandlestickSeries, this.seriesOptions())
    this.markers = createSeriesMarkers(this.series, [])
    this.chart.subscribeClick((param) => {
      const seq = Number(param.hoveredObjectId)
      if (param.hoveredObjectId !== undefined && Number.isFinite(seq)) events.onMarker(seq)
    })
    this.chart.timeScale().subscribeVisibleLogicalRangeChange(() => this.placeSoon())
    this.listen()
    void this.loadHistory()
  }

  destroy(): void {
    this.abort.abort()
    if (this.drawing !== null) window.clearTimeout(this.drawing)
    if (this.placing !== null) window.clearTimeout(this.placing)
    for (const release of this.releases) release()
    this.chart.remove()
  }

  private listen(): void {
    const { latest, facts } = this.session
    const refresh = window.setInterval(() => void this.loadHistory(), REFRESH_MS)
    this.releases.push(
      latest.summary.subscribe(() => this.onSummary()),
      latest.bars.subscribe(() => this.onBars()),
      latest.watchlist.subscribe(() => this.onPrice()),
      latest.equity.subscribe(() => this.drawLines()),
      facts.transitions.subscribe(() => this.drawMarkers()),
      facts.signals.subscribe(() => this.drawMarkers()),
      onThemeChange(() => this.restyle()),
      () => window.clearInterval(refresh),
    )
    this.onSummary()
  }

  private async loadHistory(): Promise<void> {
    const { instrument, intervalS } = this.subject
    try {
      const page = await ask.bars(this.session.sessionId, instrument, intervalS, this.abort.signal)
      const candles = this.candles.reset(page.items)
      this.drawnCandles = candles
      this.series.setData(candles.map(drawn))
      this.isReady = true
      this.onBars()
      this.onPrice()
      this.drawLines()
      this.drawMarkers()
      this.events.onHistory(candles.length, null)
    } catch (error) {
      if (this.abort.signal.aborted) return
      this.isReady = true
      this.events.onHistory(this.drawnCandles.length, error instanceof Error ? error.message : String(error))
    }
  }

  /** Bars read while the session still read its own history are only a part of it. */
  private onSummary(): void {
    const isStarting = this.session.latest.summary.get().rows[0]?.state === 'starting'
    if (this.isStarting && !isStarting) void this.loadHistory()
    this.isStarting = isStarting
  }

  private onBars(): void {
    if (!this.isReady) return
    for (const bar of this.session.latest.bars.get().rows) {
      if (bar.instrument === this.subject.instrument) this.draw(this.candles.onBar(bar))
    }
  }

  private onPrice(): void {
    const row = this.session.latest.watchlist.get().byKey.get(this.subject.instrument)
    if (!this.isReady || !row || row.last === null || row.data_ts === null) return
    this.draw(this.candles.onPrice(row.data_ts, row.last))
  }

  /** A finished candle is drawn at once, the growing one a few times a second: canvas is what costs most here. */
  private draw(candle: Candle | null): void {
    if (!candle) return
    if (this.pending && this.pending.time !== candle.time) this.flush()
    this.pending = candle
    this.drawing ??= window.setTimeout(() => this.flush(), DRAW_MS)
  }

  private flush(): void {
    if (this.drawing !== null) window.clearTimeout(this.drawing)
    this.drawing = null
    const candle = this.pending
    this.pending = null
    const newest = this.drawnCandles.at(-1)
    if (!candle || candle.time < (newest?.time ?? 0)) return
    this.series.update(drawn(candle))
    if (newest?.time === candle.time) this.drawnCandles.pop()
    this.drawnCandles.push(candle)
    this.placeSoon()
    if (!newest) this.events.onHistory(1, null)
  }

  private drawMarkers(): void {
    if (!this.isReady) return
    const { instrument, strategy, intervalS } = this.subject
    const first = this.drawnCandles[0]?.time ?? Infinity
    const { transitions, signals } = this.session.facts
    const own = transitions
      .get()
      .items.filter((fact) => fact.instrument === instrument && fact.strategy === strategy && fact.ts / 1e6 >= first && isDecision(fact))
    const entries = signals.get().items.filter((one) => one.section === 'Z1')
    const fallback = this.anySide()
    this.signs = signsOf(own.slice(0, MARKERS), (fact) => sideAt(fact, entries, fallback), intervalS, this.naming)
    this.place()
  }

  /** The side of this strategy's newest position here, for an entry whose signal is not known any more. */
  private anySide(): PositionSide {
    const { instrument, strategy } = this.subject
    return this.session.facts.positions.get().items.find((one) => one.instrument === instrument && one.strategy === strategy)?.side ?? 'long'
  }

  /** Candles grow and the view moves: the labels follow, a few times a second at most. */
  private placeSoon(): void {
    if (this.signs.length > 0) this.placing ??= window.setTimeout(() => this.place(), DRAW_MS)
  }

  private place(): void {
    if (this.placing !== null) window.clearTimeout(this.placing)
    this.placing = null
    const candlePx = this.chart.timeScale().options().barSpacing
    const placed = withRoom(this.signs, candlePx, this.subject.intervalS)
    this.markers.setMarkers(placed.map((sign) => this.marker(sign, candlePx)))
  }

  private marker(sign: Sign, candlePx: number): SeriesMarker<Time> {
    const shared = { time: sign.time as UTCTimestamp, id: String(sign.seq), shape: sign.shape, color: cssColor(sign.tone), text: sign.text, size: sign.text ? 1 : 0.6 }
    const price = clearPrice(sign, this.drawnCandles, candlePx)
    if (price === null) return { ...shared, position: sign.isAbove ? 'aboveBar' : 'belowBar' }
    return { ...shared, position: sign.isAbove ? 'atPriceTop' : 'atPriceBottom', price }
  }

  private drawLines(): void {
    const positions = this.session.latest.equity.get().rows[0]?.open_positions ?? []
    const wanted = positions.filter((one) => one.instrument === this.subject.instrument)
    const signature = JSON.stringify(wanted.map((one) => [one.position_id, one.entry_price, one.stop_price, one.target_price]))
    if (signature === this.drawnLines) return
    this.drawnLines = signature
    for (const line of this.lines) this.series.removePriceLine(line)
    this.lines = wanted.flatMap((one) => [
      ...this.priceLine(averaged(one.entry_price), '--info', `${one.side} entry`, LineStyle.Solid),
      ...this.priceLine(one.stop_price, '--down', 'stop', LineStyle.Dashed),
      ...this.priceLine(one.target_price, '--up', 'target', LineStyle.Dashed),
    ])
  }

  private priceLine(price: string | null, color: string, title: string, lineStyle: LineStyle): IPriceLine[] {
    if (price === null) return []
    return [this.series.createPriceLine({ price: Number(price), color: cssColor(color), title, lineStyle, lineWidth: 1, axisLabelVisible: true })]
  }

  private seriesOptions() {
    const up = cssColor('--up')
    const down = cssColor('--down')
    const { decimals } = this.subject
    return {
      upColor: cssColor('--surface'),
      borderUpColor: up,
      wickUpColor: up,
      downColor: down,
      borderDownColor: down,
      wickDownColor: down,
      priceFormat: { type: 'price' as const, precision: decimals, minMove: 10 ** -decimals },
    }
  }

  private restyle(): void {
    this.chart.applyOptions(chartOptions())
    this.series.applyOptions(this.seriesOptions())
    this.drawnLines = ''
    this.drawLines()
    this.drawMarkers()
  }
}

function drawn(candle: Candle) {
  return { ...candle, time: candle.time as UTCTimestamp }
}

/** The entry as the tables say it: at most 8 significant digits. */
function averaged(price: string): string {
  return String(Number(Number(price).toPrecision(8)))
}
