import type { CloseRecord } from './closes'
import type { Refusal } from './subscriptions'
import type { TransportKind } from './transport'

/**
 * idle: nothing wanted yet · connecting: waiting for a welcome · catching_up: welcomed, positions not yet current ·
 * live · waiting: the next attempt has a time · stopped: the server said not to come back.
 */
export type Phase = 'idle' | 'connecting' | 'catching_up' | 'live' | 'waiting' | 'stopped'

/** Whether nothing arrives now. Before the first welcome a connection is being made, which is not a loss. */
export function isLost({ phase, lastFrameAt }: Pick<ConnectionStatus, 'phase' | 'lastFrameAt'>): boolean {
  return lastFrameAt !== null && (phase === 'waiting' || phase === 'connecting' || phase === 'stopped')
}

/** A fallback at work. Times by the browser's clock, milliseconds. */
export interface Fallback {
  since: number
  why: string
  /** When WebSocket is tried next; null while it is being tried. */
  nextProbeAt: number | null
  /** How often it was tried since. */
  probes: number
}

export interface ConnectionStatus {
  phase: Phase
  transport: TransportKind
  conn: string | null
  /** Welcomes after the first. */
  reconnects: number
  /** Browser clock, milliseconds. */
  connectedAt: number | null
  retryAt: number | null
  /** Browser clock of the newest frame when the status was made, milliseconds; null before the first. */
  lastFrameAt: number | null
  /** Round trip in milliseconds; null until measured, and where a transport cannot measure it. */
  rttMs: number | null
  clockOffsetMs: number
  /** The server's worst event-loop lag since the heartbeat before. */
  serverLagMs: number | null
  reason: string
  duplicates: number
  resyncs: number
  topics: number
  refusals: readonly Refusal[]
  /** Why a fallback carries the stream; null on WebSocket. */
  fallback: Fallback | null
  closes: readonly CloseRecord[]
}
