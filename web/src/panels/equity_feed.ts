import { BaselineSeries, createChart, type IChartApi, type ISeriesApi, type UTCTimestamp } from 'lightweight-charts'
import { ask, type SessionStores } from '../stores'
import { chartOptions, cssColor, onThemeChange } from './chart_theme'

/** Draws the account's worth over the session, above and below the capital it began with. */
export class EquityFeed {
  private readonly chart: IChartApi
  private readonly series: ISeriesApi<'Baseline'>
  private readonly releases: (() => void)[] = []
  private readonly abort = new AbortController()
  private lastTime = 0
  private lastValue: number | null = null
  private isReady = false

  constructor(
    host: HTMLElement,
    private readonly session: SessionStores,
    private readonly capital: number,
    private readonly onHistory: (error: string | null) => void,
  ) {
    this.chart = createChart(host, chartOptions())
    this.series = this.chart.addSeries(BaselineSeries, this.seriesOptions())
    this.releases.push(
      session.latest.equity.subscribe(() => this.onEquity()),
      onThemeChange(() => {
        this.chart.applyOptions(chartOptions())
        this.series.applyOptions(this.seriesOptions())
      }),
    )
    void this.load()
  }

  destroy(): void {
    this.abort.abort()
    for (const release of this.releases) release()
    this.chart.remove()
  }

  private async load(): Promise<void> {
    try {
      const page = await ask.equity(this.session.sessionId, this.abort.signal)
      const bySecond = new Map<number, number>()
      for (const mark of [...page.items].sort((a, b) => a.seq - b.seq)) bySecond.set(Math.floor(mark.ts / 1e6), Number(mark.equity))
      const points = [...bySecond].map(([time, value]) => ({ time: time as UTCTimestamp, value }))
      this.series.setData(points)
      this.lastTime = points.at(-1)?.time ?? 0
      this.chart.timeScale().fitContent()
      this.onHistory(null)
    } catch (error) {
      if (this.abort.signal.aborted) return
      this.onHistory(error instanceof Error ? error.message : String(error))
    }
    this.isReady = true
    this.onEquity()
  }

  private onEquity(): void {
    const view = this.session.latest.equity.get().rows[0]
    if (!view || !this.isReady) return
    const time = Math.floor(view.ts / 1e6)
    const value = Number(view.equity)
    if (time < this.lastTime || (time === this.lastTime && this.lastValue !== null)) return
    this.lastTime = time
    this.lastValue = value
    this.series.update({ time: time as UTCTimestamp, value })
  }

  private seriesOptions() {
    const up = cssColor('--up')
    const down = cssColor('--down')
    return {
      baseValue: { type: 'price' as const, price: this.capital },
      topLineColor: up,
      topFillColor1: `${up}40`,
      topFillColor2: `${up}05`,
      bottomLineColor: down,
      bottomFillColor1: `${down}05`,
      bottomFillColor2: `${down}40`,
      lineWidth: 2 as const,
      priceFormat: { type: 'price' as const, precision: 2, minMove: 0.01 },
    }
  }
}
