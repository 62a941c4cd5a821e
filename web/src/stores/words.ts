import type { InstanceTransitioned, InstanceView, SectionView } from '../wire/generated'
import { usePreferences } from './preferences'

export type StateCode = InstanceView['state']
export type SectionCode = SectionView['code']

export const STATES: readonly StateCode[] = [
  'MONITORING',
  'SIGNAL_DETECTED',
  'ENTERING',
  'POSITION_ACTIVE',
  'EXITING',
  'COOLDOWN',
  'ERROR',
]
export const SECTIONS: readonly SectionCode[] = ['S1', 'O1', 'Z1', 'ZE1', 'E1']

const STATE_WORDS: Record<StateCode, string> = {
  MONITORING: 'Watching',
  SIGNAL_DETECTED: 'Found',
  ENTERING: 'Entering',
  POSITION_ACTIVE: 'In position',
  EXITING: 'Closing',
  COOLDOWN: 'Cooling down',
  ERROR: 'Error',
}

const SECTION_WORDS: Record<SectionCode, string> = {
  S1: 'Found',
  O1: 'False alarm',
  Z1: 'Enter',
  ZE1: 'Take profit',
  E1: 'Stop loss',
}

/** What moved an instance, where it was not a section. Codes as they are, where a word would say less. */
export const TRIGGER_WORDS: Record<InstanceTransitioned['trigger'], string> = {
  S1: 'found',
  O1: 'false alarm',
  Z1: 'enter',
  ZE1: 'take profit',
  E1: 'stop loss',
  timeout: 'timeout',
  fill: 'fill',
  rejected: 'rejection',
  cancelled: 'cancellation',
  stop: 'resting stop',
  target: 'resting target',
  command: 'trader',
  risk: 'limit',
  cooldown_over: 'end of rest',
  error: 'error',
}

export interface Naming {
  state(code: StateCode): string
  section(code: SectionCode): string
}

const WORDS: Naming = { state: (code) => STATE_WORDS[code], section: (code) => SECTION_WORDS[code] }
const CODES: Naming = { state: (code) => code, section: (code) => code }

/** How states and sections are called now. */
export function useNaming(): Naming {
  return usePreferences((now) => now.naming) === 'words' ? WORDS : CODES
}

/** The most urgent state first: an open position before a signal before watching. */
const URGENCY: Record<StateCode, number> = {
  ERROR: 0,
  EXITING: 1,
  POSITION_ACTIVE: 2,
  ENTERING: 3,
  SIGNAL_DETECTED: 4,
  COOLDOWN: 6,
  MONITORING: 5,
}

/** The most urgent instance; `current` stays it until another is in a more urgent state, so that nothing flickers. */
export function mostUrgent(rows: readonly InstanceView[], current: string | undefined): InstanceView | null {
  const first = [...rows].sort(byUrgency)[0] ?? null
  const now = rows.find((row) => row.key === current)
  return now && first && URGENCY[first.state] >= URGENCY[now.state] ? now : first
}

export function byUrgency(a: InstanceView, b: InstanceView): number {
  return URGENCY[a.state] - URGENCY[b.state] || b.progress - a.progress || a.key.localeCompare(b.key)
}
