import { describe, expect, it } from 'vitest'
import { clearPrice, sideAt, signsOf, withRoom } from '../../src/panels/chart_markers'
import type { Naming } from '../../src/stores'
import type { InstanceTransitioned } from '../../src/wire/generated'

const naming: Naming = { state: (code) => code, section: (code) => code }

function moved(seq: number, second: number, part: Partial<InstanceTransitioned>): InstanceTransitioned {
  const base = { type: 'InstanceTransitioned', entry_seq: 0, strategy: 's', instrument: 'X', reason: '', price: 1, trace: [] } as const
  return { ...base, trace: [], from_state: 'MONITORING', to_state: 'SIGNAL_DETECTED', trigger: 'S1', section: 'S1', ...part, seq, ts: second * 1e6 }
}

const found = (seq: number, second: number) => moved(seq, second, {})
const enter = (seq: number, second: number) => moved(seq, second, { from_state: 'SIGNAL_DETECTED', to_state: 'ENTERING', trigger: 'Z1', section: 'Z1' })
const leave = (seq: number, second: number) => moved(seq, second, { from_state: 'POSITION_ACTIVE', to_state: 'EXITING', trigger: 'ZE1', section: 'ZE1' })
const seen = (facts: InstanceTransitioned[], side: 'long' | 'short') => signsOf(facts, () => side, 5, naming).map((sign) => [sign.time, sign.isAbove, sign.shape, sign.text])

describe('signs on the chart', () => {
  it('of a short are an arrow down above its entry and an arrow up below its exit, of a long the reverse', () => {
    expect(seen([enter(1, 0), leave(2, 20)], 'short')).toEqual([[0, true, 'arrowDown', 'Z1'], [20, false, 'arrowUp', 'ZE1']])
    expect(seen([enter(1, 0), leave(2, 20)], 'long')).toEqual([[0, false, 'arrowUp', 'Z1'], [20, true, 'arrowDown', 'ZE1']])
  })

  it('of one candle and side are one, counted', () => {
    expect(seen([found(1, 0), enter(2, 3)], 'short')).toEqual([[0, true, 'arrowDown', 'Z1 +1']])
  })

  it('have no label where it is no decision of a section or a resting order', () => {
    const late = moved(1, 0, { from_state: 'SIGNAL_DETECTED', to_state: 'MONITORING', trigger: 'timeout', section: null })
    expect(seen([late], 'long')).toEqual([[0, true, 'square', '']])
  })

  it('give their label to a newer neighbour that needs the room, and stand beyond the candles they cover', () => {
    const signs = signsOf([found(1, 0), found(2, 5), found(3, 100)], () => 'long', 5, naming)
    expect(withRoom(signs, 6, 5).map((sign) => sign.text)).toEqual(['', 'S1', 'S1'])
    const candles = [0, 5, 10, 100].map((time) => ({ time, high: time + 1, low: time }))
    expect(signs.map((sign) => clearPrice(sign, candles, 6))).toEqual([11, 101, 101])
  })

  it('take their side from the newest entry signal before them', () => {
    const signals = [1, 10].map((seq) => ({ seq, section: 'Z1' as const, side: seq === 1 ? ('sell' as const) : ('buy' as const), strategy: 's', instrument: 'X' }))
    expect([leave(5, 0), leave(11, 0), leave(0, 0)].map((fact) => sideAt(fact, signals, 'long'))).toEqual(['short', 'long', 'long'])
  })
})
