import type { CloseRecord } from './closes'
import type { TransportKind } from './transport'

/**
 * idle: nothing wanted yet · connecting: waiting for a welcome · catching_up: welcomed, positions not yet current ·
 * live · waiting: the next attempt has a time · stopped: the server said not to come back.
 */
export type Phase = 'idle' | 'connecting' | 'catching_up' | 'live' | 'waiting' | 'stopped'

export interface ConnectionStatus {
  phase: Phase
  transport: TransportKind
  conn: string | null
  /** Welcomes after the first. */
  reconnects: number
  /** Browser clock, milliseconds. */
  connectedAt: number | null
  retryAt: number | null
  /** Round trip in milliseconds; null until measured, and where a transport cannot measure it. */
  rttMs: number | null
  clockOffsetMs: number
  /** The server's worst event-loop lag since the heartbeat before. */
  serverLagMs: number | null
  reason: string
  duplicates: number
  resyncs: number
  topics: number
  closes: readonly CloseRecord[]
}
