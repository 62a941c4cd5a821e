import { describe, expect, it } from 'vitest'
import { DoublePress, isFreeEscape } from '../../src/panels/double_press'

describe('Esc Esc', () => {
  it('is recognised at any gap within its window, and not after it', () => {
    const second = (gap: number) => {
      const presses = new DoublePress()
      presses.press(1_000)
      return presses.press(1_000 + gap)
    }
    expect([0, 50, 800, 1_500, 1_501].map(second)).toEqual(['second', 'second', 'second', 'second', 'first'])
  })

  it('begins anew after it was recognised', () => {
    const presses = new DoublePress()
    expect([0, 100, 200].map((at) => presses.press(at))).toEqual(['first', 'second', 'first'])
  })

  it('is not a key that is held down, another key, or one that something else used', () => {
    const free = { key: 'Escape', repeat: false, defaultPrevented: false }
    expect([free, { ...free, repeat: true }, { ...free, key: 'a' }, { ...free, defaultPrevented: true }].map(isFreeEscape)).toEqual([true, false, false, false])
  })
})
