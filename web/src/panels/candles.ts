import type { BarView } from '../wire/generated'

/** A candle as the chart draws it: `time` in seconds UTC of its open. */
export interface Candle {
  time: number
  open: number
  high: number
  low: number
  close: number
}

function bucketOf(us: number, intervalS: number): number {
  return Math.floor(us / 1e6 / intervalS) * intervalS
}

/** Keeps the newest candle of one interval true, from history, finer bars and single prices. */
export class CandleBuilder {
  private last: Candle | null = null

  constructor(readonly intervalS: number) {}

  /** Takes the history, oldest first, and answers what to draw. */
  reset(bars: readonly BarView[]): Candle[] {
    const candles: Candle[] = []
    for (const bar of bars) {
      const time = bucketOf(bar.ts, this.intervalS)
      const before = candles.at(-1)
      if (before && before.time >= time) merge(before, bar)
      else candles.push({ time, open: bar.open, high: bar.high, low: bar.low, close: bar.close })
    }
    const newest = candles.at(-1)
    this.last = newest ? { ...newest } : null
    return candles
  }

  /** Answers the candle that changed, or null when the bar tells nothing new about the newest candle. */
  onBar(bar: BarView): Candle | null {
    if (bar.interval_s > this.intervalS) return null
    return this.extend(bucketOf(bar.ts, this.intervalS), bar)
  }

  onPrice(us: number, price: number): Candle | null {
    return this.extend(bucketOf(us, this.intervalS), { open: price, high: price, low: price, close: price })
  }

  private extend(time: number, part: Omit<Candle, 'time'>): Candle | null {
    if (this.last && time < this.last.time) return null
    if (this.last && time === this.last.time) {
      const was = { ...this.last }
      merge(this.last, part)
      const isSame = was.high === this.last.high && was.low === this.last.low && was.close === this.last.close
      return isSame ? null : { ...this.last }
    }
    this.last = { time, open: part.open, high: part.high, low: part.low, close: part.close }
    return { ...this.last }
  }
}

function merge(candle: Candle, part: Omit<Candle, 'time'>): void {
  candle.high = Math.max(candle.high, part.high)
  candle.low = Math.min(candle.low, part.low)
  candle.close = part.close
}
