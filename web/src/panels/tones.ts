import type { SectionCode, StateCode } from '../stores'
import type { Tone } from '../ui'
import type { CheckStatus, Lifecycle } from './types'

export const STATE_TONE: Record<StateCode, Tone> = {
  MONITORING: 'slate',
  SIGNAL_DETECTED: 'amber',
  ENTERING: 'blue',
  POSITION_ACTIVE: 'violet',
  EXITING: 'teal',
  COOLDOWN: 'slate',
  ERROR: 'red',
}

export const SECTION_TONE: Record<SectionCode, Tone> = { S1: 'amber', O1: 'slate', Z1: 'blue', ZE1: 'teal', E1: 'red' }

export const STATUS_TONE: Record<CheckStatus, Tone> = { ok: 'teal', waiting: 'blue', warning: 'amber', failed: 'red' }

export const LIFECYCLE_TONE: Record<Lifecycle, Tone> = {
  starting: 'blue',
  running: 'teal',
  stopping: 'amber',
  stopped: 'slate',
  suspended: 'amber',
  failed: 'red',
}
