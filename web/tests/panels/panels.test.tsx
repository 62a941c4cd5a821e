import { renderToStaticMarkup } from 'react-dom/server'
import { describe, expect, it } from 'vitest'
import { badgeState } from '../../src/panels/badge'
import { CandleBuilder } from '../../src/panels/candles'
import { metBeforeS } from '../../src/panels/cells'
import { outcomeWords } from '../../src/panels/outcomes'
import { entryQuantity } from '../../src/panels/positions'
import { mostUrgent } from '../../src/stores'
import { Comparison } from '../../src/panels/trace'
import { DataTable, Age } from '../../src/ui'
import type { BarView, ConditionReading, InstanceView, OrderFilled, PositionChanged } from '../../src/wire/generated'

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

describe('a condition that still counts', () => {
  const met = { ...reading, answer: 'true' as const, reason: null, value: 3, last_true_ts: 10e6 }

  it('says how long ago it was met when its present value is not what it asks for', () => {
    expect(metBeforeS(met, 22e6)).toBe(12)
    expect([metBeforeS({ ...met, value: 8 }, 22e6), metBeforeS(met, 10e6), metBeforeS({ ...met, answer: 'false' }, 22e6)]).toEqual([null, null, null])
  })
})

describe('the shown instance', () => {
  const instance = (key: string, state: InstanceView['state'], progress: number) => ({ key, state, progress }) as InstanceView

  it('follows the most urgent state, and does not flicker between equals', () => {
    const a = instance('a', 'MONITORING', 10)
    const b = instance('b', 'MONITORING', 90)
    expect(mostUrgent([a, b], undefined)?.key).toBe('b')
    expect(mostUrgent([a, b], 'a')?.key).toBe('a')
    expect(mostUrgent([a, instance('b', 'POSITION_ACTIVE', 0)], 'a')?.key).toBe('b')
    expect(mostUrgent([], 'a')).toBeNull()
  })
})

describe('the quantity of a closed position', () => {
  const fact = { strategy: 's', instrument: 'X', opened_ts: 10, closed_ts: 20 } as PositionChanged
  const fill = (ts: number, quantity: string, purpose: OrderFilled['purpose']) => ({ strategy: 's', instrument: 'X', ts, quantity, purpose }) as OrderFilled

  it('is what its entries filled, and unknown without them', () => {
    const fills = [fill(10, '0.20', 'entry'), fill(12, '0.10', 'entry'), fill(20, '0.30', 'exit'), fill(5, '9', 'entry')]
    expect([entryQuantity(fact, fills), entryQuantity(fact, [])]).toEqual(['0.30', null])
  })
})

describe('the outcome of a signal', () => {
  it('is told in words; for a code without any, by its reason', () => {
    expect([outcomeWords('instance.cooldown', ''), outcomeWords('x.new', 'It rains.'), outcomeWords('x.new_code', '')]).toEqual(['resting after the last trade', 'It rains.', 'x new code'])
  })
})
