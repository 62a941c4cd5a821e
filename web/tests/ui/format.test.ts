import { describe, expect, it } from 'vitest'
import { compact, computed, counted, exact, plain, price, signed, significant, span, toCsv } from '../../src/ui'

describe('numbers', () => {
  it('of money stay exact: grouped, never rounded, exponents written out', () => {
    expect(['1234567.8900', '-0.00012', '0E-7', '1.25E+3', '-1.5E-7', '42'].map(exact)).toEqual([
      '1\u2009234\u2009567.8900',
      '−0.00012',
      '0',
      '1\u2009250',
      '−0.00000015',
      '42',
    ])
  })

  it('of computed prices have at most 8 significant digits', () => {
    expect(['0.3130373954767', '61234.567891', '0.0436554', '1.5E-7', '123456789.123'].map(computed)).toEqual([
      '0.3130374',
      '61\u2009234.568',
      '0.0436554',
      '0.00000015',
      '123\u2009456\u2009790',
    ])
  })

  it('of things say one in the singular', () => {
    expect([0, 1, 2].map((count) => counted(count, 'instance'))).toEqual(['0 instances', '1 instance', '2 instances'])
  })

  it('with a sign have none when they round to nothing', () => {
    expect([0.004, -0.004, 12.3, -12.3].map((value) => signed(value, 2))).toEqual(['0.00', '0.00', '+12.30', '−12.30'])
  })

  it('of an indicator show what can be read', () => {
    expect([0, 0.123456, 1.23456, 123.456, 61_234.567, 0.0000042].map(significant)).toEqual([
      '0',
      '0.1235',
      '1.235',
      '123.46',
      '61\u2009234.6',
      '4.20e−6',
    ])
    expect([1.2, 0.5, 60, 0.0000042].map(plain)).toEqual(['1.2', '0.5', '60', '4.20e−6'])
    expect([0.0436554, 61_234.5].map(price)).toEqual(['0.0436554', '61\u2009234.5'])
    expect([12.5, 999, 25_000, 3_400_000].map(compact)).toEqual(['12.50', '999', '25.0 k', '3.40 M'])
  })

  it('of seconds are a span in two units', () => {
    expect([0.4, 59, 61, 3_700, 90_000].map(span)).toEqual(['0 s', '59 s', '1 min 01 s', '1 h 01 min', '1 d 1 h'])
  })
})

describe('an export', () => {
  it('quotes what would break a line', () => {
    expect(toCsv([{ seq: 1, reason: 'a "b", c', price: null }])).toBe('seq,reason,price\n1,"a ""b"", c",')
  })
})
