import { TRIGGER_WORDS, type Naming } from '../stores'
import type { InstanceTransitioned, PositionSide, SignalFired } from '../wire/generated'

/** One sign on the chart: a candle, a side of the price, and the newest of the facts that fell into it. */
export interface Sign {
  /** Seconds UTC of the candle's open. */
  time: number
  seq: number
  isAbove: boolean
  shape: 'arrowUp' | 'arrowDown' | 'circle' | 'square'
  tone: string
  /** Empty where the sign only marks that something happened. */
  text: string
}

type Facts = readonly InstanceTransitioned[]
type EntrySignal = Pick<SignalFired, 'seq' | 'section' | 'side' | 'strategy' | 'instrument'>

const LABELLED = new Set(['S1', 'Z1', 'ZE1', 'E1', 'stop', 'target'])

/** What follows of itself (a fill, the end of a rest) is in the table; on the chart it would only cover the decisions. */
export function isDecision(fact: InstanceTransitioned): boolean {
  return fact.trigger !== 'fill' && fact.trigger !== 'cooldown_over'
}

/** The side of the trade a transition belongs to: that of the newest entry signal before it. */
export function sideAt(fact: InstanceTransitioned, signals: readonly EntrySignal[], fallback: PositionSide): PositionSide {
  let entry: EntrySignal | null = null
  for (const one of signals) {
    if (one.section !== 'Z1' || one.side === null || one.strategy !== fact.strategy || one.instrument !== fact.instrument) continue
    if (one.seq <= fact.seq && (!entry || one.seq > entry.seq)) entry = one
  }
  return entry ? (entry.side === 'sell' ? 'short' : 'long') : fallback
}

function isExit(fact: InstanceTransitioned): boolean {
  return fact.from_state === 'POSITION_ACTIVE' && (fact.to_state === 'EXITING' || fact.to_state === 'COOLDOWN' || fact.to_state === 'MONITORING')
}

function toneOf(fact: InstanceTransitioned): string {
  if (fact.section === 'S1') return '--accent'
  if (fact.section === 'Z1') return '--info'
  if (fact.section === 'ZE1' || fact.trigger === 'target') return '--up'
  if (fact.section === 'E1' || fact.trigger === 'stop' || fact.to_state === 'ERROR') return '--down'
  return '--faint'
}

function wordOf(fact: InstanceTransitioned, naming: Naming): string {
  if (!LABELLED.has(fact.trigger)) return ''
  return fact.section ? naming.section(fact.section) : TRIGGER_WORDS[fact.trigger]
}

/** A short is entered with an arrow down above the bar and left with an arrow up below it; a long the other way round. */
export function signOf(fact: InstanceTransitioned, side: PositionSide, intervalS: number, naming: Naming): Sign {
  const time = Math.floor(fact.ts / 1e6 / intervalS) * intervalS
  const shared = { time, seq: fact.seq, tone: toneOf(fact), text: wordOf(fact, naming) }
  const isEntry = fact.to_state === 'ENTERING' || fact.to_state === 'POSITION_ACTIVE'
  if (!isEntry && !isExit(fact)) return { ...shared, isAbove: true, shape: fact.section === 'S1' ? 'circle' : 'square' }
  const isDown = isEntry === (side === 'short')
  return { ...shared, isAbove: isDown, shape: isDown ? 'arrowDown' : 'arrowUp' }
}

/** The signs of some facts, oldest first; several in one candle on one side become one: `Enter +1`. */
export function signsOf(facts: Facts, sideOf: (fact: InstanceTransitioned) => PositionSide, intervalS: number, naming: Naming): Sign[] {
  const signs: Sign[] = []
  const merged = new Map<Sign, number>()
  for (const fact of [...facts].sort((a, b) => a.seq - b.seq)) {
    const sign = signOf(fact, sideOf(fact), intervalS, naming)
    const same = signs.findLast((one) => one.time === sign.time && one.isAbove === sign.isAbove)
    if (!same) signs.push(sign)
    else if (sign.text && !same.text) Object.assign(same, sign)
    else if (sign.text) {
      merged.set(same, (merged.get(same) ?? 0) + 1)
      // An order says more than the signal before it.
      if (sign.shape.startsWith('arrow') && !same.shape.startsWith('arrow')) Object.assign(same, sign)
    }
  }
  for (const [sign, more] of merged) sign.text += ` +${more}`
  return signs
}

const LETTER_PX = 6.4
const GAP_PX = 8

/** Pixels a label needs. */
export function labelPx(text: string): number {
  return text.length * LETTER_PX + GAP_PX
}

/** Takes the label from every sign whose newer neighbour on the same side needs the room. */
export function withRoom(signs: readonly Sign[], candlePx: number, intervalS: number): Sign[] {
  const newest: Record<'above' | 'below', Sign | null> = { above: null, below: null }
  const kept: Sign[] = []
  for (const sign of [...signs].reverse()) {
    const side = sign.isAbove ? 'above' : 'below'
    const neighbour = newest[side]
    const px = neighbour ? ((neighbour.time - sign.time) / intervalS) * candlePx : Infinity
    const isTooClose = sign.text !== '' && neighbour !== null && px < (labelPx(sign.text) + labelPx(neighbour.text)) / 2
    kept.push(isTooClose ? { ...sign, text: '' } : sign)
    if (sign.text && !isTooClose) newest[side] = sign
  }
  return kept.reverse()
}

export interface Extremes {
  time: number
  high: number
  low: number
}

/** Where a sign's label stands clear of the candles: beyond the highest (lowest) of those it is drawn over. */
export function clearPrice(sign: Sign, candles: readonly Extremes[], candlePx: number): number | null {
  const at = candles.findIndex((candle) => candle.time >= sign.time)
  const center = at < 0 ? candles.length - 1 : at
  const reach = sign.text ? Math.ceil(labelPx(sign.text) / 2 / candlePx) : 0
  const near = candles.slice(Math.max(0, center - reach), center + reach + 1)
  if (near.length === 0) return null
  return sign.isAbove ? Math.max(...near.map((one) => one.high)) : Math.min(...near.map((one) => one.low))
}
