import { renderToStaticMarkup } from 'react-dom/server'
import { describe, expect, it } from 'vitest'
import { badgeState } from '../../src/panels/badge'
import { CandleBuilder } from '../../src/panels/candles'
import { Comparison } from '../../src/panels/trace'
import { DataTable, Age } from '../../src/ui'
import type { BarView, ConditionReading } from '../../src/wire/generated'

const bar = (second: number, close: number, interval_s = 1): BarView => ({
  instrument: 'X',
  interval_s,
  ts: second * 1e6,
  open: close,
  high: close + 1,
  low: close - 1,
  close,
  volume: 1,
  is_partial: false,
})

describe('candles', () => {
  it('are built from finer bars and single prices, and never go back in time', () => {
    const builder = new CandleBuilder(5)
    expect(builder.reset([bar(0, 10), bar(4, 12), bar(5, 11)])).toEqual([
      { time: 0, open: 10, high: 13, low: 9, close: 12 },
      { time: 5, open: 11, high: 12, low: 10, close: 11 },
    ])
    expect(builder.onBar(bar(6, 14))).toEqual({ time: 5, open: 11, high: 15, low: 10, close: 14 })
    expect(builder.onBar(bar(6, 14))).toBeNull()
    expect(builder.onBar(bar(2, 50))).toBeNull()
    expect(builder.onBar(bar(0, 50, 60))).toBeNull()
    expect(builder.onPrice(10.2e6, 13)).toEqual({ time: 10, open: 13, high: 13, low: 13, close: 13 })
  })
})

describe('the connection badge', () => {
  it('says live only for a WebSocket that is current', () => {
    expect(badgeState({ phase: 'live', transport: 'websocket' })).toBe('live')
    expect(badgeState({ phase: 'live', transport: 'poll' })).toBe('polling')
    expect(badgeState({ phase: 'catching_up', transport: 'websocket' })).toBe('catching_up')
    expect(badgeState({ phase: 'waiting', transport: 'websocket' })).toBe('offline')
    expect(badgeState({ phase: 'stopped', transport: 'websocket' })).toBe('stopped')
  })
})

const reading: ConditionReading = {
  path: 'sections.S1.conditions[0]',
  label: 'pump',
  operator: '>=',
  value: null,
  threshold: 7,
  unit: '%',
  answer: 'undecided',
  reason: 'warming up 42/60 s',
  distance: null,
  distance_pct: null,
  progress: 0,
  held_s: null,
  hold_required_s: null,
  last_true_ts: null,
  closest_distance: null,
  value_ts: null,
}

describe('what is shown', () => {
  it('is the reason where there is no value, never a bare dash', () => {
    const html = renderToStaticMarkup(<Comparison reading={reading} />)
    expect(html).toContain('warming up 42/60 s')
    expect(html).not.toContain('--')
  })

  it('is marked stale from 5 s and old from 15 s', () => {
    const classes = [1, 5, 15].map((seconds) => /age (is-\w+)/.exec(renderToStaticMarkup(<Age seconds={seconds} />))?.[1])
    expect(classes).toEqual(['is-fresh', 'is-stale', 'is-old'])
  })

  it('is a table whose rows carry their key', () => {
    const columns = [{ id: 'a', title: 'A', cell: (row: { key: string }) => row.key }]
    const html = renderToStaticMarkup(<DataTable label="T" rows={[{ key: 'k1' }]} columns={columns} keyOf={(row) => row.key} />)
    expect(html).toContain('data-testid="row" data-key="k1"')
  })
})
